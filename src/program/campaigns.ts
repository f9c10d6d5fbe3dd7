/**
 * Campaigns: what starts them, what is done in which arm, and how chance shows whether it pays. An award in an
 * arm becomes a rule on the event `treatment`, so points come out of the earning rules like all others.
 */
import { didYouMean } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import type { MapNode, Node, Report, ScalarNode } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import type { Scope } from '../rules/scope.ts'
import { readNumber } from '../rules/value.ts'
import { compileWindow } from '../rules/window.ts'
import type { Campaign, CampaignArm, CampaignStart, ExperimentTerms, TestTerms } from './campaign.ts'
import { FLAGS } from './events.ts'
import { compileMemberCondition, factNeedsRetention } from './member-facts.ts'
import { asList, asMap, asScalar, childOf, firstOf, itemsAt, scalarAt, textAt } from './nodes.ts'
import { tellRetention } from './segments.ts'
import { readLength, readMoney, wordsOf } from './units.ts'

const MOST = 200
const MOST_ARMS = 8
const DEFAULT_HOLDOUT = 0.03
const DEFAULT_CONTROL = 0.1
const DEFAULT_QUIET_DAYS = 30

/** All that members' events are called but for what campaigns tell of themselves; a test holds them complete. */
const events = [
  ...[
    'member.enrolled',
    'member.updated',
    'member.merged',
    'member.unmerged',
    'member.closed',
    'member.reopened',
  ],
  ...['member.erased', 'transaction.earned', 'transaction.returned', 'tier.changed', 'feedback.received'],
  ...['points.adjusted', 'points.cancelled', 'points.extended', 'points.given', 'points.received'],
  ...['pool.joined', 'pool.left'],
  ...['segment.entered', 'segment.left', 'promotion.registered', 'points.expired', 'points.released'],
  ...['points.reinstated', 'redemption.held', 'redemption.captured', 'redemption.released'],
  ...['redemption.expired', 'redemption.reversed', 'retention.flag_raised', 'retention.flag_cleared'],
]

export interface CampaignScope {
  readonly scope: Scope
  readonly hasRetention: boolean
  readonly report: Report
}

export function readCampaigns(top: MapNode, terms: CampaignScope): Campaign[] {
  const { report } = terms
  const campaigns = new Map<string, Campaign>()
  for (const item of firstOf(itemsAt(top, 'campaigns'), { most: MOST, what: 'campaigns', report })) {
    const map = asMap(item)
    const id = scalarAt(map, 'id')
    if (!map || !id) continue
    if (campaigns.has(id.text)) report(problem(id.at, `the campaign "${id.text}" stands twice`))
    if (id.text === 'holdout') report(problem(id.at, '"holdout" is the experiment of the standing holdout'))
    if (!terms.hasRetention) tellRetention(id.at, 'campaigns', report)
    const campaign = readCampaign(map, id.text, terms)
    if (campaign) campaigns.set(id.text, campaign)
  }
  return [...campaigns.values()]
}

function readCampaign(map: MapNode, id: string, terms: CampaignScope): Campaign | null {
  const { scope, report } = terms
  const whenNode = childOf(map, 'when')
  const when = whenNode ? compileMemberCondition(whenNode, scope, report) : null
  const needing = when?.facts.find(factNeedsRetention)
  if (whenNode && needing && !terms.hasRetention) tellRetention(whenNode.at, needing, report)
  const start = readStart(asMap(childOf(map, 'start')), map, terms)
  const arms = readArms(map, terms)
  const [from, until, through] = ['from', 'until', 'through'].map((key) => childOf(map, key) ?? undefined)
  const window = compileWindow({ from, until, through }, scope.timeZone, report)
  const control = shareAt(map, 'control', { least: 0.01, most: 0.9, fallback: DEFAULT_CONTROL, report })
  const quiet = scalarAt(map, 'quiet')
  const rest = {
    capacity: wholeAt(map, 'capacity', { least: 1, most: 10_000_000, report }),
    budget: moneyAt(map, 'budget', terms),
    margin: childOf(map, 'margin')
      ? shareAt(map, 'margin', { least: 0, most: 1, fallback: 0, report })
      : null,
    quietDays: quiet ? quietOf(quiet, report) : DEFAULT_QUIET_DAYS,
    consents: textsOf(childOf(map, 'consents')),
    test: readTest(asMap(childOf(map, 'test')), control, report),
  }
  if ((whenNode && !when) || !start || arms.length === 0 || !window) return null
  return { id, name: textAt(map, 'name') ?? id, start, when, arms, control, ...rest, ...window }
}

function readStart(map: MapNode | null, campaign: MapNode, terms: CampaignScope): CampaignStart | null {
  const { scope, report } = terms
  const [entry, second] = map?.entries ?? []
  // What is no map has been told of, and so has a key that is none of these.
  if (!map && childOf(campaign, 'start')) return null
  if (entry && !second && !['flag', 'segment', 'event'].includes(entry.key)) return null
  if (!map || !entry || second) {
    const hint = 'such as `start: { flag: gone_quiet }`, `{ segment: lapsing }` or `{ event: tier.changed }`'
    report(problem((map ?? campaign).at, 'a campaign starts by one of flag, segment and event', { hint }))
    return null
  }
  const items = asList(entry.value)?.items ?? [entry.value]
  const known = { flag: [...FLAGS, 'any'], segment: scope.segments, event: events }[entry.key] ?? []
  const scalars = items.flatMap((item) => asScalar(item) ?? [])
  const texts = scalars.map(({ text }) => text)
  for (const node of scalars) checkStart(entry.key, node, { known, report })
  if (texts.length === 0) return null
  if (entry.key === 'flag') return { kind: 'flag', flags: texts.includes('any') ? [...FLAGS] : texts }
  return entry.key === 'segment' ? { kind: 'segment', segments: texts } : { kind: 'event', events: texts }
}

function checkStart(
  kind: string,
  node: ScalarNode,
  { known, report }: { known: readonly string[]; report: Report },
): void {
  if (known.includes(node.text)) return
  const hint = didYouMean(node.text, known)
  if (kind !== 'event') report(problem(node.at, `there is no ${kind} "${node.text}"`, { hint }))
  else if (node.text.startsWith('campaign.'))
    report(problem(node.at, 'what campaigns tell of cannot start one: that would be a circle'))
  else report(problem(node.at, `there is no event "${node.text}"`, { hint: hint ?? eventHint(node.text) }))
}

/** The names that rules have for what happens to members are others than those of the events. */
function eventHint(text: string): string {
  const named: Readonly<Record<string, string>> = {
    ...{ enrolment: 'member.enrolled', tierReached: 'tier.changed', segmentEntered: 'segment.entered' },
    ...{ segmentLeft: 'segment.left', flagRaised: 'retention.flag_raised', purchase: 'transaction.earned' },
    ...{ registration: 'promotion.registered' },
  }
  const own = Object.hasOwn(named, text) ? named[text] : undefined
  return own ? `write ${own}` : `known are ${events.slice(0, 1).concat(events.slice(7, 11)).join(', ')} …`
}

function readArms(map: MapNode, terms: CampaignScope): CampaignArm[] {
  const { report, scope } = terms
  const list = asList(childOf(map, 'arms'))
  const arms: CampaignArm[] = []
  for (const item of firstOf(list?.items ?? [], { most: MOST_ARMS, what: 'arms', report })) {
    const arm = asMap(item)
    const id = scalarAt(arm, 'id')
    if (!arm || !id) continue
    if (id.text === 'control' || arms.some((known) => known.id === id.text))
      report(
        problem(
          id.at,
          id.text === 'control' ? '"control" is who is left alone' : `the arm "${id.text}" stands twice`,
        ),
      )
    const promotion = scalarAt(arm, 'promotion')
    if (promotion && !scope.promotions.includes(promotion.text)) {
      const hint = didYouMean(promotion.text, scope.promotions)
      report(problem(promotion.at, `there is no promotion "${promotion.text}"`, { hint }))
    }
    const message = textAt(arm, 'message')
    if (message === null && !promotion && !childOf(arm, 'award'))
      report(
        problem(arm.at, `the arm "${id.text}" does nothing`, { hint: 'give it message, award or promotion' }),
      )
    const cost = moneyAt(arm, 'cost', terms) ?? new Decimal(0)
    arms.push({ id: id.text, message, promotion: promotion?.text ?? null, cost })
  }
  if (list && list.items.length === 0) report(problem(list.at, 'a campaign needs an arm at least'))
  return arms
}

function readTest(map: MapNode | null, control: number, report: Report): TestTerms {
  const [measure, within] = [scalarAt(map, 'measure'), scalarAt(map, 'within')]
  return {
    members: wholeAt(map, 'members', { least: 20, most: 10_000_000, report }) ?? 1_000,
    control: shareAt(map, 'control', { least: 0.05, most: 0.95, fallback: Math.max(0.5, control), report }),
    looks: wholeAt(map, 'looks', { least: 1, most: 10, report }) ?? 4,
    measureDays: measure ? daysOf(measure, report) : 28,
    error: shareAt(map, 'error', { least: 0.001, most: 0.2, fallback: 0.05, report }),
    withinDays: within ? daysOf(within, report) : 364,
  }
}

export function readExperiments(top: MapNode, report: Report): ExperimentTerms {
  const map = asMap(childOf(top, 'experiments'))
  return { holdout: shareAt(map, 'holdout', { least: 0, most: 0.2, fallback: DEFAULT_HOLDOUT, report }) }
}

function shareAt(
  map: MapNode | null,
  key: string,
  { least, most, fallback, report }: { least: number; most: number; fallback: number; report: Report },
): number {
  const node = scalarAt(map, key)
  if (!node) return fallback
  const match = /^(\d{1,3}(?:\.\d{1,4})?)\s*%$|^(0?\.\d{1,6}|0|1)$/.exec(node.text.trim())
  const share = match ? (match[1] === undefined ? Number(match[2]) : Number(match[1]) / 100) : Number.NaN
  if (share >= least && share <= most) return share
  const told = `expected a share from ${least * 100} % to ${most * 100} %, such as 10 %; got "${node.text}"`
  const number = Number(node.text) / 100
  const hint = number >= least && number <= most ? `write ${node.text} %` : undefined
  report(problem(node.at, told, { hint }))
  return fallback
}

function wholeAt(
  map: MapNode | null,
  key: string,
  { least, most, report }: { least: number; most: number; report: Report },
): number | null {
  const node = scalarAt(map, key)
  if (!node) return null
  const match = /^(\d{1,8})(?:\s+(?:members|looks))?$/.exec(node.text.trim())
  const whole = Number(match?.[1] ?? Number.NaN)
  if (whole >= least && whole <= most) return whole
  const begin = /^\d{1,8}(?= )/.exec(node.text.trim())?.[0]
  const hint = begin && Number(begin) >= least && Number(begin) <= most ? `write ${begin}` : undefined
  report(problem(node.at, `expected a whole number from ${least} to ${most}; got "${node.text}"`, { hint }))
  return null
}

/** `12.50 EUR`, of the program's money; nothing is 0. */
function moneyAt(map: MapNode | null, key: string, { scope, report }: CampaignScope): Decimal | null {
  const node = scalarAt(map, key)
  if (!node) return null
  if (readNumber(node.text)?.isZero()) return new Decimal(0)
  const money = readMoney(node, report)
  if (money && money.currency !== scope.money)
    report(problem(node.at, `the money of this program is ${scope.money}, not ${money.currency}`))
  return money?.amount ?? null
}

function daysOf(node: ScalarNode, report: Report): number {
  const length = readLength(node, wordsOf(node.text), report)
  return length ? Math.round(length.count * { day: 1, month: 30.4375, year: 365.25 }[length.unit]) : 1
}

/** No quiet time may be asked for, too: whoever was treated today by one campaign may be by the next. */
function quietOf(node: ScalarNode, report: Report): number {
  return /^0 (day|week|month|year)s?$/.test(node.text.trim()) ? 0 : daysOf(node, report)
}

function textsOf(node: Node | null): string[] {
  const items = asList(node)?.items ?? (node ? [node] : [])
  return [...new Set(items.flatMap((item) => asScalar(item)?.text ?? []))]
}

/** The program with a rule for each arm that awards points: `<campaign>-<arm>`, on `treatment`. */
export function withCampaignRules(top: MapNode): MapNode {
  const rules = itemsAt(top, 'campaigns').flatMap((item) => {
    const campaign = asMap(item)
    const id = textAt(campaign, 'id')
    return itemsAt(campaign, 'arms').flatMap((arm) => ruleOf(asMap(arm), id) ?? [])
  })
  if (rules.length === 0) return top
  const entries = top.entries.map((entry) =>
    entry.key === 'earn' && entry.value.kind === 'list'
      ? { ...entry, value: { ...entry.value, items: [...entry.value.items, ...rules] } }
      : entry,
  )
  return { ...top, entries }
}

function ruleOf(arm: MapNode | null, campaign: string | null): MapNode | null {
  const award = arm?.entries.find(({ key }) => key === 'award')
  const id = textAt(arm, 'id')
  if (!arm || !award || campaign === null || id === null) return null
  const text = (value: string): ScalarNode => ({ kind: 'scalar', at: award.keyAt, type: 'text', text: value })
  const entry = (key: string, value: Node) => ({ key, keyAt: award.keyAt, value })
  const when: MapNode = {
    ...{ kind: 'map', at: award.keyAt, flow: true },
    entries: [entry('campaign', text(campaign)), entry('arm', text(id))],
  }
  const limits = arm.entries.filter(({ key }) => key === 'limit')
  const own = [entry('id', text(`${campaign}-${id}`)), entry('on', text('treatment')), entry('when', when)]
  return { ...arm, entries: [...own, award, ...limits] }
}
