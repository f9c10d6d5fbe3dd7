/**
 * What a program declares and nothing in it asks for: segments, promotions, groups, tables; and rules on events
 * that this program never has. A name counts as asked for wherever a value or a formula holds it.
 */
import { didYouMean } from '../base/nearest.ts'
import type { MapNode, Node, Place, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import type { EventName } from './events.ts'
import { isEvent } from './events.ts'
import { asMap, asScalar, childOf, entriesAt, itemsAt, scalarAt, textAt } from './nodes.ts'
import { type Readable, typesOf } from './possible.ts'

export function lintUses(top: MapNode, program: Readable | null, report: Report): void {
  lintSegments(top, report)
  lintPromotions(top, report)
  lintGroups(top, report)
  lintTables(top, report)
  if (program) for (const item of itemsAt(top, 'earn')) lintEvents(asMap(item), program, report)
}

interface Named {
  readonly id: string
  readonly at: Place
}

function idsOf(items: readonly Node[]): Named[] {
  return items.flatMap((item) => {
    const id = item.kind === 'scalar' ? asScalar(item) : scalarAt(asMap(item), 'id')
    return id ? [{ id: id.text, at: id.at }] : []
  })
}

/** All values and formulas under these keys of the program, one after the other. */
function textUnder(top: MapNode, keys: readonly string[]): string {
  const texts: string[] = []
  const take = (node: Node | null): void => {
    if (node?.kind === 'scalar') texts.push(node.text)
    if (node?.kind === 'list') for (const item of node.items) take(item)
    if (node?.kind === 'map') for (const { value } of node.entries) take(value)
  }
  for (const key of keys) take(childOf(top, key))
  return texts.join('\n')
}

/** Whether a name stands there as a word of its own. */
function holds(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const around = `${text[at - 1] ?? ' '}${text[at + name.length] ?? ' '}`
    if (!/[\p{L}\p{N}_-]/u.test(around)) return true
  }
  return false
}

const ASKING = ['earn', 'limits', 'milestones', 'currencies', 'campaigns', 'rewards']

function lintSegments(top: MapNode, report: Report): void {
  const byHand = idsOf(itemsAt(asMap(childOf(top, 'members')), 'segments'))
  const ruled = idsOf(itemsAt(top, 'segments'))
  // Rules on entering or leaving any segment ask for all of them.
  const anyOf = itemsAt(top, 'earn').some((item) => asksForAny(asMap(item)))
  if (anyOf || byHand.length + ruled.length === 0) return
  const text = textUnder(top, [...ASKING, 'segments'])
  const outside = textUnder(top, ASKING)
  const byRule = new Set(ruled.map(({ id }) => id))
  const known = new Set([...byHand, ...ruled].map(({ id }) => id))
  let told = 0
  for (const { id, at } of [...byHand, ...ruled]) {
    if (holds(byRule.has(id) ? outside : text, id)) continue
    const meant = told < MOST_HINTS ? nearestOther(id, known) : undefined
    const hint =
      meant ?? 'leave it where it is for views and reports alone; rules ask by `when: { segment: … }`'
    told += 1
    report(problem(at, `no rule and no campaign asks for the segment "${id}"`, { hint }))
  }
}

/** More than are ever told: what comes after is only counted, and looking for what was meant takes its time. */
const MOST_HINTS = 1000

function nearestOther(id: string, known: ReadonlySet<string>): string | undefined {
  const others = new Set(known)
  others.delete(id)
  return didYouMean(id, others)
}

function asksForAny(rule: MapNode | null): boolean {
  if (rule === null) return false
  const types = typesOf(rule)
  if (!types.includes('segmentEntered') && !types.includes('segmentLeft')) return false
  const when = asMap(childOf(rule, 'when'))
  return childOf(when, 'entered') === null && childOf(when, 'left') === null
}

function lintPromotions(top: MapNode, report: Report): void {
  const text = textUnder(top, ['earn', 'limits', 'milestones'])
  const welcome = itemsAt(top, 'earn').some((item) => {
    const rule = asMap(item)
    return rule !== null && typesOf(rule).includes('registration') && !childOf(rule, 'when')
  })
  for (const { id, at } of welcome ? [] : idsOf(itemsAt(top, 'promotions'))) {
    if (holds(text, id)) continue
    const told = `no rule asks for the promotion "${id}": whoever registers for it gets nothing`
    report(problem(at, told, { hint: `write \`when: { promotion: ${id} }\` in the rules that belong to it` }))
  }
}

function lintGroups(top: MapNode, report: Report): void {
  const used = new Set(itemsAt(top, 'earn').flatMap((item) => textAt(asMap(item), 'group') ?? []))
  for (const { key, keyAt } of entriesAt(top, 'groups')) {
    if (!used.has(key))
      report(problem(keyAt, `no rule is of the group "${key}"`, { hint: `write \`group: ${key}\`` }))
  }
}

function lintTables(top: MapNode, report: Report): void {
  const tables = entriesAt(top, 'tables')
  const text = tables.length === 0 ? '' : textUnder(top, ['earn', 'limits', 'milestones', 'campaigns'])
  for (const { key, keyAt } of tables)
    if (!holds(text, key)) report(problem(keyAt, `no formula looks at the table "${key}"`))
}

const WANTED: Record<EventName, { why: string; hint: string; has: (program: Readable) => boolean } | null> = {
  enrolment: null,
  anniversary: null,
  referral: null,
  birthday: {
    why: 'no day of birth is known',
    hint: 'say which attribute it is: members: { attributes: { born?: date }, birthday: born }',
    has: ({ birthday }) => birthday !== null,
  },
  tierReached: {
    why: 'the program has no tiers',
    hint: 'declare them under `tiers`',
    has: ({ ladders }) => ladders.length > 0,
  },
  segmentEntered: segments(),
  segmentLeft: segments(),
  flagRaised: {
    why: 'nobody is flagged without the section `retention`',
    hint: 'add a line `retention:` to the program',
    has: ({ retention }) => retention !== null,
  },
  registration: {
    why: 'there is no promotion to register for',
    hint: 'declare it: promotions: [{ id: … }]',
    has: ({ promotions }) => promotions.size > 0,
  },
  treatment: {
    why: 'the program has no campaigns',
    hint: 'declare them under `campaigns`',
    has: ({ campaigns }) => campaigns.length > 0,
  },
}

function segments() {
  return {
    why: 'the program has no segments',
    hint: 'declare them: members: { segments: [vip] }, or under `segments`',
    has: (program: Readable) => program.segments.length > 0,
  }
}

/** A rule on events alone, of which this program has none. */
function lintEvents(rule: MapNode | null, program: Readable, report: Report): void {
  const on = rule && childOf(rule, 'on')
  if (!rule || !on) return
  const wanted = typesOf(rule).map((type) => (isEvent(type) ? WANTED[type] : null))
  const [first] = wanted
  if (!first || wanted.some((one) => one === null || one.has(program))) return
  const told = `the rule "${textAt(rule, 'id')}" can never fire: ${first.why}`
  report(problem(on.at, told, { hint: first.hint }))
}
