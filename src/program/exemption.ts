/** Who is exempt from a policy: conditions on the member and its tiers alone, checked like those of rules. */
import { allHold, compileCondition } from '../rules/condition.ts'
import type { MemberFacts, TransactionFacts } from '../rules/facts.ts'
import type { Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import type { Scope } from '../rules/scope.ts'
import { Sight } from '../rules/sight.ts'

/** Says of a member whether it is exempt. */
export type Exemption = (member: MemberFacts) => boolean

const nothing: TransactionFacts = {
  type: '',
  occurredAt: new Date(0),
  lines: [],
  tenders: [],
  location: null,
  channel: null,
  attributes: {},
}

/** Null after a report. */
export function compileExemption(node: Node, scope: Scope, report: Report): Exemption | null {
  const tests = compileCondition(node, { scope, rule: null, on: [], lines: 'none' }, report)
  if (!tests) return null
  const facts = tests.flatMap((test) => test.facts.map(({ name }) => name))
  const stranger = facts.find((name) => !name.startsWith('member.') && !/^tier(\.|$)/.test(name))
  if (stranger !== undefined) {
    const hint = 'an exemption looks at `tier` and `member.` attributes alone'
    report(problem(node.at, `"${stranger}" is of a transaction, not of the member`, { hint }))
    return null
  }
  if (facts.length === 0) {
    report(problem(node.at, 'the exemption names no fact of the member'))
    return null
  }
  const { timeZone } = scope
  return (member) => allHold(tests, new Sight({ transaction: nothing, member, timeZone, givers: new Map() }))
}
