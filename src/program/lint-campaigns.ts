/**
 * What campaigns, experiments and the sections about members say without effect, or leave out that costs money
 * or goodwill. As all of lint: certain as far as it goes, and nothing of it keeps a program from being published.
 */
import type { Decimal } from '../base/points.ts'
import type { MapNode, Node, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import type { Campaign, CampaignStart } from './campaign.ts'
import { AT_REST } from './member-facts.ts'
import { asMap, childOf, itemsAt, scalarAt, textAt } from './nodes.ts'
import { judge, type Readable, tellVerdicts } from './possible.ts'

interface Written {
  readonly map: MapNode
  readonly campaign: Campaign
}

export function lintCampaigns(top: MapNode, program: Readable, report: Report): void {
  const all: Written[] = itemsAt(top, 'campaigns').flatMap((item) => {
    const map = asMap(item)
    const campaign = program.campaigns.find(({ id }) => id === textAt(map, 'id'))
    return map && campaign ? [{ map, campaign }] : []
  })
  for (const [index, one] of all.entries()) {
    lintStart(one, program, report)
    lintRivals(one, all.slice(0, index), report)
    lintMeans(one, report)
    lintTest(one, report)
  }
  lintSegmentRules(top, program, report)
  lintSections(top, { program, report })
}

function tell({ map }: Written, message: string, { hint, at, report }: Telling): void {
  report(problem((at ?? scalarAt(map, 'id') ?? map).at, message, { hint }))
}

interface Telling {
  readonly report: Report
  readonly hint?: string | undefined
  /** the id of the campaign where nothing is said */
  readonly at?: Node | null
}

/** By type of event: what a program lacks that it never comes, or null. */
const SOURCES: Readonly<Record<string, (program: Readable) => string | null>> = {
  'tier.changed': ({ ladders }) => (ladders.length > 0 ? null : 'tiers'),
  'segment.entered': (program) => (program.segments.length > 0 ? null : 'segments'),
  'segment.left': (program) => (program.segments.length > 0 ? null : 'segments'),
  'promotion.registered': ({ promotions }) => (promotions.size > 0 ? null : 'promotions'),
  'points.expired': ({ currencies }) =>
    [...currencies.values()].some(({ expiry }) => expiry.kind !== 'never') ? null : 'points that lapse',
  'points.reinstated': ({ currencies }) =>
    [...currencies.values()].some(({ expiry }) => expiry.kind === 'idle')
      ? null
      : 'points that lapse by inactivity',
}

function lintStart(one: Written, program: Readable, report: Report): void {
  const { map, campaign } = one
  const { id, start } = campaign
  const startNode = childOf(map, 'start')
  if (start.kind === 'event') {
    const lacking = start.events.map((event) => SOURCES[event]?.(program) ?? null)
    const [first] = lacking
    if (first && !lacking.includes(null))
      tell(one, `the campaign "${id}" can never start: the program has no ${first}`, {
        at: startNode,
        report,
      })
  }
  const when = asMap(childOf(map, 'when'))
  if (when === null) return
  tellVerdicts(judge(when, [AT_REST], program), `the campaign "${id}" can never start`, report)
  const flag = scalarAt(when, 'flag')
  if (start.kind !== 'flag' || !flag || start.flags.includes(flag.text)) return
  const told = `the campaign "${id}" can never start: it starts by ${start.flags.join(', ')}, and asks for ${flag.text}`
  tell(one, told, { at: flag, report })
}

function namesOf(start: CampaignStart): readonly string[] {
  return start.kind === 'flag' ? start.flags : start.kind === 'segment' ? start.segments : start.events
}

/** Two campaigns for the same members at the same time: the file's order decides, which nobody may have meant. */
function lintRivals(one: Written, before: readonly Written[], report: Report): void {
  const { campaign } = one
  const rival = before.find(({ campaign: other }) => {
    const shared = namesOf(other.start).some((name) => namesOf(campaign.start).includes(name))
    const apart = ends(other) <= begins(campaign) || ends(campaign) <= begins(other)
    return other.start.kind === campaign.start.kind && shared && !apart && other.when === null
  })
  if (!rival || campaign.quietDays === 0) return
  const told = `the campaigns "${rival.campaign.id}" and "${campaign.id}" start by the same, and neither goes first by what it asks`
  const hint = `"${rival.campaign.id}" stands first and takes its members; narrow it by \`when\`, or give both a time`
  tell(one, told, { hint, report })
}

const begins = ({ from }: Campaign): number => from?.getTime() ?? Number.NEGATIVE_INFINITY
const ends = ({ until }: Campaign): number => until?.getTime() ?? Number.POSITIVE_INFINITY

function costsOf({ arms }: Campaign): Decimal[] {
  return arms.map(({ cost }) => cost)
}

function lintMeans(one: Written, report: Report): void {
  const { map, campaign } = one
  const { id, arms, budget, capacity, consents } = campaign
  const spends =
    costsOf(campaign).some((cost) => !cost.isZero()) ||
    itemsAt(map, 'arms').some((arm) => childOf(asMap(arm), 'award') !== null)
  if (spends && budget === null) {
    const bounded = capacity === null ? '' : ', only how many members a run takes'
    const hint = 'write for instance `budget: 5000 EUR`; points count at their value'
    tell(one, `nothing bounds what the campaign "${id}" costs${bounded}`, { hint, report })
  }
  const dearest = costsOf(campaign).reduce((a, b) => (b.greaterThan(a) ? b : a))
  if (budget !== null && (budget.isZero() || budget.lessThan(dearest)))
    tell(one, `the campaign "${id}" can never start: its budget does not pay for one treatment`, {
      at: childOf(map, 'budget'),
      report,
    })
  if (arms.some(({ message }) => message !== null) && consents.length === 0) {
    const hint = 'name what members must have agreed to: `consents: [marketing]`'
    tell(one, `the campaign "${id}" sends messages without asking for a consent`, { hint, report })
  }
}

function lintTest(one: Written, report: Report): void {
  const { map, campaign } = one
  const { test, id, arms } = campaign
  const node = asMap(childOf(map, 'test'))
  if (test.withinDays <= test.measureDays)
    tell(
      one,
      `the test of "${id}" ends before any purchase is measured: after ${test.withinDays} days, of ${test.measureDays}`,
      {
        at: childOf(node, 'within') ?? childOf(node, 'measure'),
        report,
      },
    )
  const each = Math.floor((test.members * (1 - test.control)) / arms.length)
  if (each < 10)
    tell(one, `the test of "${id}" has ${each} members for an arm: chance alone would decide`, {
      at: childOf(node, 'members') ?? childOf(node, 'control'),
      hint: 'give it some hundreds for each arm',
      report,
    })
}

/** Segments that nobody can be in, or everybody is. */
function lintSegmentRules(top: MapNode, program: Readable, report: Report): void {
  for (const item of itemsAt(top, 'segments')) {
    const map = asMap(item)
    const when = asMap(childOf(map, 'when'))
    if (when === null) continue
    const never = `nobody can be in the segment "${textAt(map, 'id')}"`
    tellVerdicts(judge(when, [AT_REST], program), never, report)
  }
}

/** Settings that nothing reads. */
function lintSections(top: MapNode, { program, report }: { program: Readable; report: Report }): void {
  const none = program.campaigns.length === 0
  const silent = program.campaigns.every(({ arms }) => arms.every(({ message }) => message === null))
  const tellOf = (section: string, key: string, why: string): void => {
    const entry = asMap(childOf(top, section))?.entries.find((each) => each.key === key)
    if (entry) report(problem(entry.keyAt, `"${key}" has no effect: ${why}`))
  }
  if (none) tellOf('experiments', 'holdout', 'there are no campaigns that could leave members alone')
  if (silent) tellOf('feedback', 'holdMessages', 'no campaign sends messages')
  const retention = asMap(childOf(top, 'retention'))
  lintClosed(retention, report)
  const types = new Set([...program.transactionTypes.keys()])
  const purchases = program.retention?.purchases ?? []
  if (types.size === 1 && purchases.length === 1)
    tellOf('retention', 'purchases', `"${purchases[0]}" is the only type of transaction there is`)
  const grades = asMap(childOf(top, 'value'))
  if (program.value.fees.some((fee) => program.value.benefits.has(fee))) {
    const at = childOf(grades, 'benefits')?.at ?? top.at
    const both = program.value.fees.find((fee) => program.value.benefits.has(fee))
    report(problem(at, `"${both}" is a fee and a benefit: it takes from a member and gives to the same one`))
  }
}

/** Closures that lie within another. */
function lintClosed(retention: MapNode | null, report: Report): void {
  const spans = itemsAt(retention, 'closed').flatMap((node) => {
    if (node.kind !== 'scalar') return []
    const [from = '', through = from] = node.text.split(/\s+through\s+/)
    return [{ node, from, through }]
  })
  for (const [index, { node, from, through }] of spans.entries()) {
    const other = spans.find((each, at) => at < index && each.from <= from && each.through >= through)
    if (other) report(problem(node.at, `these days are within "${other.node.text}" already`))
  }
}
