/**
 * Conditions on a member at rest: what segments and campaigns ask for. The same language as in rules, over the
 * member's own facts; facts of a transaction are refused, because there is none.
 */
import { didYouMean } from '../base/nearest.ts'
import { allHold, compileCondition } from '../rules/condition.ts'
import type { Field, FieldType, TransactionFacts } from '../rules/facts.ts'
import type { Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import type { Scope } from '../rules/scope.ts'
import { Sight } from '../rules/sight.ts'
import type { MemberCondition } from './campaign.ts'

/** No program can declare a type of transaction by this name: it is no id. */
export const AT_REST = '(member)'

const memberStates = [...['new', 'active', 'growing', 'slowing', 'gone quiet', 'lapsed', 'won back']] as const

/** Facts that come out of purchases: they need a retention section. */
const learnt: Readonly<Record<string, FieldType | readonly string[]>> = {
  state: memberStates,
  flag: ['gone_quiet', 'buying_less'],
  dispersion: ['clockwork', 'steady', 'irregular', 'bursty'],
  recency: 'integer',
  frequency: 'integer',
  monetary: 'integer',
  pSilent: 'number',
  pDecline: 'number',
  pAlive: 'number',
  expectedPurchases: 'number',
  expectedValue: 'number',
  lifetimeValue: 'number',
  atStake: 'number',
  purchases: 'integer',
  spend: 'number',
  averageSpend: 'number',
  daysSince: 'integer',
  tenure: 'integer',
  redeemedShare: 'number',
}

/** All values that a fact of a member at rest can have, in their order; null where they are not a closed list. */
export function valuesAtRest(name: string): readonly string[] | null {
  const type = Object.hasOwn(learnt, name) ? learnt[name] : undefined
  if (['recency', 'frequency', 'monetary'].includes(name)) return ['1', '2', '3', '4', '5']
  return typeof type === 'object' ? type : null
}

/** Facts that every member has. */
const plain: Readonly<Record<string, FieldType>> = { memberFor: 'integer', openComplaints: 'integer' }

export const factNeedsRetention = (name: string): boolean => Object.hasOwn(learnt, name)

/** Numbers that a condition, a ranking or a cluster can go by. */
export function memberNumbers(): string[] {
  return Object.keys(learnt).filter((name) => learnt[name] === 'integer' || learnt[name] === 'number')
}

function fieldsOf(scope: Scope): Map<string, Field> {
  const fields = new Map<string, Field>()
  // The points that a member has, under the currency's own name unless that means something here.
  const currencies = [...scope.currencies.keys()].map((id) => [id, 'integer'] as const)
  for (const [name, type] of [...currencies, ...Object.entries({ ...learnt, ...plain })]) {
    const oneOf = typeof type === 'string' ? null : type
    fields.set(name, { name, type: typeof type === 'string' ? type : 'text', oneOf, required: false })
  }
  return fields
}

/** Where a condition names a fact; null where only a formula does. */
function placeOf(node: Node, fact: string): Node['at'] | null {
  const inner =
    node.kind === 'list' ? node.items : node.kind === 'map' ? node.entries.map((each) => each.value) : []
  const own = node.kind === 'map' ? node.entries.find(({ key }) => key === fact)?.keyAt : undefined
  return own ?? inner.map((each) => placeOf(each, fact)).find((at) => at !== null) ?? null
}

const nothing: Omit<TransactionFacts, 'attributes'> = {
  type: AT_REST,
  occurredAt: new Date(0),
  lines: [],
  tenders: [],
  location: null,
  channel: null,
}

export interface CompiledCondition extends MemberCondition {
  /** names of the facts that it looks at */
  readonly facts: readonly string[]
}

/** Null after a report. */
export function compileMemberCondition(node: Node, scope: Scope, report: Report): CompiledCondition | null {
  const fields = fieldsOf(scope)
  const types = new Map([...scope.transactionTypes, [AT_REST, { fields, lineFields: new Map() }]])
  const terms = {
    scope: { ...scope, transactionTypes: types },
    rule: null,
    on: [AT_REST],
    lines: 'none',
  } as const
  const known = `known of a member: ${[...fields.keys()].join(', ')}`
  const tests = compileCondition(node, terms, ({ hint, ...found }) => {
    const own = hint?.startsWith('known here:') ? known : hint
    report(own === undefined ? found : { ...found, hint: own })
  })
  if (!tests) return null
  const facts = [...new Set(tests.flatMap((test) => test.facts.map(({ name }) => name)))]
  const stranger = facts.find(
    (name) => !fields.has(name) && !/^(member\.|tier(\.|$)|segment$|promotion$)/.test(name),
  )
  if (stranger !== undefined) {
    const hint = didYouMean(stranger, fields.keys()) ?? known
    const at = placeOf(node, stranger) ?? node.at
    report(problem(at, `"${stranger}" is of a transaction, not of the member`, { hint }))
    return null
  }
  const { timeZone } = scope
  return {
    facts,
    holds: ({ member, facts: attributes }) =>
      allHold(
        tests,
        new Sight({ transaction: { ...nothing, attributes }, member, timeZone, givers: new Map() }),
      ),
  }
}
