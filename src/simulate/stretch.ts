/**
 * Simulates a stretch of members the short way, from what is packed of them. Whoever it does not suit is left to the
 * long way, from the database, which counts the same.
 */
import { setImmediate as others } from 'node:timers/promises'
import type { Executor } from '../db/connection.ts'
import { PastBudgets } from './budgets.ts'
import { Conclusion, type Stand } from './conclude.ts'
import { keptPack, type Where } from './kept.ts'
import type { Simulated } from './member-run.ts'
import type { PackedMember } from './pack.ts'
import { plainProgram } from './plain.ts'
import { readMemberIds } from './queries.ts'
import { Spent } from './score.ts'
import { ShortRun } from './short-run.ts'
import { Stretched } from './stretched.ts'
import { newTally, type Tally } from './tally.ts'

/** After as many members whatever came in meanwhile has its turn, such as what is read ahead of the next stretch. */
const BREATH = 64

export interface SimulatedStretch {
  readonly tally: Tally
  /** added to what is kept */
  readonly bytes: number
  /** members of whom nothing is counted yet: they go the long way */
  readonly long: readonly string[]
}

export async function simulateStretch(
  sql: Executor,
  where: Where,
  what: Simulated,
): Promise<SimulatedStretch> {
  const program = plainProgram(what)
  if (program === null) {
    const long = await readMemberIds(sql, where.population, where.stretch)
    return { tally: newTally(), bytes: 0, long }
  }
  const { pack, bytes } = await keptPack(sql, where, what)
  const conclusion = new Conclusion(what)
  const budgets = new PastBudgets(what.course, conclusion.tally.takes)
  const of = new Stretched(pack, { what, program, budgets })
  const spent = new Spent(conclusion.tally)
  const long: string[] = []
  let breath = BREATH
  for (const member of pack.members) {
    breath -= 1
    if (breath === 0) {
      await others()
      breath = BREATH
    }
    if (member.kind === 'out') continue
    if (member.kind === 'packed' && runShort(member, of, { conclusion, spent })) continue
    long.push(member.id)
  }
  spent.end()
  const tally = conclusion.end()
  return { tally, bytes: bytes ?? 0, long }
}

/** False: nothing is counted of the member yet. */
function runShort(
  member: PackedMember,
  of: Stretched,
  { conclusion, spent }: { conclusion: Conclusion; spent: Spent },
): boolean {
  const run = finished(member, of, conclusion.tally.takes)
  if (run === null) return false
  of.score.addTo(conclusion.tally, spent)
  conclusion.take({
    memberId: member.id,
    points: of.score.points,
    stands: {
      before: recordedStand(member),
      after: { accounts: run.book.accounts.values(), tierAt: (ladder, at) => run.tiers.tierAt(ladder, at) },
    },
    attributes: member.attributes ?? {},
    marks: of.marks,
  })
  return true
}

/** In numbers at first, then in decimals; null: neither leads to the end. */
function finished(member: PackedMember, of: Stretched, takes: Tally['takes']): ShortRun | null {
  const taken = takes.length
  for (const inNumbers of [true, false]) {
    of.turnTo(member)
    const run = new ShortRun(member, of, inNumbers)
    const end = run.run()
    if (end === 'done') return run
    takes.length = taken
    if (end === 'no way') return null
  }
  return null
}

function recordedStand({ accounts, changes = [] }: PackedMember): Stand {
  return {
    tierAt({ id, tiers }, at) {
      const time = at.getTime()
      const last = changes.findLast(([ladder, , since]) => ladder === id && since <= time)
      return last ? last[1] : (tiers[0]?.id ?? '')
    },
    accounts: accounts.map(([currency, available, pending, held, negative]) => ({
      currency,
      available: BigInt(available),
      pending: BigInt(pending),
      held: BigInt(held),
      negative: BigInt(negative),
    })),
  }
}
