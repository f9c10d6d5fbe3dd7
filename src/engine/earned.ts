/**
 * A transaction valued as its member stands by now, and what it gives taken down: the same for what a till posts
 * and for what happens to the member beside it.
 */
import { type Earned, earn } from '../earning/earn.ts'
import type { Program } from '../program/program.ts'
import type { MemberFacts, TransactionFacts } from '../rules/facts.ts'
import { budgetsSeen } from './budgets.ts'
import { count, type Deciding, record } from './deciding.ts'
import { countersOfHousemates } from './housemates.ts'
import { marksAt } from './marks.ts'

export interface Happened {
  /** the rules of its time */
  readonly program: Program
  readonly facts: TransactionFacts
  readonly at: Date
  readonly tiers: MemberFacts['tiers']
  readonly transactionId: string
}

/** The transaction itself is left to the caller to write. */
export function earnNow(deciding: Deciding, { program, facts, at, tiers, transactionId }: Happened): Earned {
  const { state, group, writes, nextId } = deciding
  const { enrolledAt, attributes, profile } = state.member
  const outcome = earn({
    program,
    facts,
    member: { enrolledAt, attributes, tiers, ...marksAt(state.marks, at) },
    profile,
    counters: state.counters,
    household: countersOfHousemates(deciding, program),
    budgets: budgetsSeen(group.budgets, { program: program.id, taken: writes.budgets }),
    book: state.book,
    words: !group.wordless,
    transactionId,
    nextId,
  })
  record(deciding, ...outcome.extensions, outcome.entry)
  count(deciding, outcome.counted)
  writes.budgets.push(...outcome.budgeted)
  return outcome
}
