/**
 * The whole picture of one member for a terminal. Ten statements, which go out at once: one round trip, and a
 * second one only for a duplicate that was merged. Rules, rewards and promotions are in memory.
 */
import type { z } from 'zod'
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { Decimal, type Money, wireMoney } from '../base/points.ts'
import { addMonths, dayNumbered, dayNumberOf, dayOf, startOfDay } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import { wireMember } from '../members/enrol.ts'
import { marginOf } from '../program/margin.ts'
import { historyMonths, type Program } from '../program/program.ts'
import { isGoods } from '../retention/goods.ts'
import { nextProducts, repeatsOf } from '../retention/next-product.ts'
import { readValueFacts } from '../retention/queries-value.ts'
import { reasonCodes, reasonsOfVoice } from '../retention/reason.ts'
import { broughtBy, deliveredOf, riskGrade, type ValueFacts, valueGrade } from '../retention/value.ts'
import { voiceOf } from '../retention/voice.ts'
import { assess, baseStanding } from '../tiers/assess.ts'
import { progress } from '../tiers/progress.ts'
import { wireTier } from '../tiers/standing.ts'
import { callerOf, scope } from './auth.ts'
import { currenciesOf } from './balances.ts'
import { countersUntil, type Holdings, holdingsOf } from './holdings.ts'
import { memberIdIn, memberParams } from './members.ts'
import { findCounters, findHoldings, findMember, type Whose } from './queries.ts'
import {
  findActivity,
  findGiven,
  findGradeEnds,
  findSaid,
  findScore,
  findShelf,
  type GivenRow,
  type ScoreRow,
  type ShelfRow,
} from './queries-view.ts'
import { reach, wireReward } from './rewards.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { NO_LADDER, wireProgress } from './tiers.ts'
import { MemberView } from './view-schemas.ts'

type View = z.input<typeof MemberView>

const OFFERED = 10
const AGAIN = 10
/** Counters of so many months beyond what ladders look back over: a sweep may be late. */
const SPARE_MONTHS = 24
/** Of a campaign that treated the member longer ago, nothing is offered any more. */
const CAMPAIGN_MONTHS = 3

export function viewRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const schema = {
    operationId: 'readMemberView',
    tags: ['members'],
    summary: 'The whole picture of a member, for a terminal',
    description:
      'Profile, balances, tier with what is missing, rewards, offers as far as the member consents, recent activity, ' +
      'retention with its reasons, what the program gave the member and what the member brings: in one quick answer.',
    params: memberParams,
    response: replies({ 200: { description: 'The picture', schema: MemberView } }, [
      'member_not_found',
      'no_rules_in_force',
    ]),
  }
  app.get('/members/:memberId/view', { schema, config: scope('members:read') }, (request) => {
    const whose = { program: callerOf(request).program, memberId: memberIdIn(request.params) }
    const at = now()
    return viewOf(sql, whose, { program: programs.at(whose.program, at), at })
  })
}

interface Sight {
  readonly program: Program
  readonly at: Date
}

async function viewOf(sql: Sql, whose: Whose, sight: Sight): Promise<View> {
  const { program, at } = sight
  const { timeZone } = program
  const from = addMonths(dayOf(timeZone, at), -historyMonths(program) - SPARE_MONTHS)
  const running = program.campaigns.filter((one) => isOpen(one, at)).map(({ id }) => id)
  const [row, member, counters, activity, score, ends, shelf, said, given, facts] = await Promise.all([
    findHoldings(sql, whose, at),
    findMember(sql, whose),
    findCounters(sql, whose.memberId, from),
    findActivity(sql, whose),
    findScore(sql, whose),
    findGradeEnds(sql, program.id),
    findShelf(sql, whose, { timeZone, at }),
    findSaid(sql, whose, timeZone),
    findGiven(sql, whose, { campaigns: running, since: monthsAgo(timeZone, at) }),
    readValueFacts(sql, { program, memberIds: [whose.memberId], at }),
  ])
  if (!row || !member) {
    throw new DomainError('member_not_found', { memberId: showId('member', whose.memberId) })
  }
  if (row.mergedInto !== null) return viewOf(sql, { ...whose, memberId: row.mergedInto }, sight)

  const holdings = holdingsOf(row, { ...whose, at })
  const today = dayNumberOf(timeZone, at)
  const voice = voiceOf(said, today)
  const standings = standingsOn(holdings, countersUntil(dayOf(timeZone, at), counters), sight)
  const rewards = rewardsFor(holdings, standings, sight)
  return {
    memberId: showId('member', holdings.memberId),
    asOf: at.toISOString(),
    member: wireMember(member, member.identifiers),
    balances: currenciesOf(holdings.book, program.currencies.keys()),
    tier: standings[0]?.report ?? NO_LADDER,
    rewards,
    offers: offersFor({ consents: member.consents, rewards, shelf, given }, sight),
    activity: activity.map(({ kind, id, what, occurredAt, net, points }) => ({
      kind,
      id: showId(kind, id),
      what,
      occurredAt: occurredAt.toISOString(),
      net: net === null ? null : moneyOf(program, new Decimal(net)),
      points,
    })),
    retention: score && wireScore(score, program),
    reasons: [...reasonsOfVoice(voice, today), ...(score?.reasons ?? []).filter(isOfScores)].map(
      ({ code, text, clears, suppressed }) => ({ code, text, clears, suppressed }),
    ),
    voice: {
      openComplaints: voice.openComplaints,
      satisfaction: voice.satisfaction,
      before: voice.before,
    },
    value: wireValue({ facts: facts.get(whose.memberId)!, ends, score }, program),
  }
}

/** What a run of scores knew of the member's voice is told as it is now instead. */
const ofVoice = ['open_complaint', 'satisfaction_falling', 'dissatisfied']

function isOfScores({ code }: { code: string }): boolean {
  return reasonCodes.some((known) => known === code) && !ofVoice.includes(code)
}

function standingsOn(holdings: Holdings, counters: ReturnType<typeof countersUntil>, { program, at }: Sight) {
  const { enrolledAt, attributes } = holdings
  return program.ladders.map((ladder) => {
    const kept = holdings.standings.get(ladder.id) ?? baseStanding(ladder, enrolledAt)
    const input = { timeZone: program.timeZone, enrolledAt, attributes, standing: kept, at, counters }
    const { standing } = assess(ladder, input)
    const rank = ladder.tiers.find(({ id }) => id === standing.tier)?.rank ?? 0
    const report = { ...wireTier(standing), ...wireProgress(progress(ladder, input)) }
    return { ladder: ladder.id, tier: standing.tier, rank, report }
  })
}

function rewardsFor(holdings: Holdings, standings: ReturnType<typeof standingsOn>, { program, at }: Sight) {
  const tiers = new Map(standings.map(({ ladder, tier, rank }) => [ladder, { tier, rank }]))
  const shown = [...program.rewards.values()].map((reward) => {
    const available = holdings.book.accounts.get(reward.currency)?.available ?? 0n
    return { ...wireReward(reward), ...reach(program, reward, { available, tiers, at }) }
  })
  const behind = (one: (typeof shown)[number]) => (one.because === undefined ? 0 : 1)
  return shown.sort((a, b) => behind(a) - behind(b) || a.missing - b.missing || b.costs - a.costs)
}

interface Offerable {
  readonly consents: Readonly<Record<string, boolean>>
  readonly rewards: ReturnType<typeof rewardsFor>
  readonly shelf: ShelfRow
  readonly given: readonly GivenRow[]
}

/** What the member refused is not offered; what nobody asked about is. */
function offersFor({ consents, rewards, shelf, given }: Offerable, { program, at }: Sight): View['offers'] {
  const nothing = { nextProducts: [], again: [], rewards: [], promotions: [], campaigns: [] }
  if (consents.marketing === false) return { withheld: 'no_consent', ...nothing }
  const near = new Map(shelf.neighbours)
  const popular = shelf.popular.map(([product]) => product)
  const goods = shelf.bought.filter(({ product }) => isGoods(program, product, at))
  const mayProfile = consents.profiling !== false
  const held = (kind: GivenRow['kind']) => given.filter((one) => one.kind === kind)
  return {
    withheld: null,
    nextProducts: mayProfile
      ? nextProducts({ bought: goods, near: (product) => near.get(product), popular, count: OFFERED })
      : [],
    again: mayProfile
      ? repeatsOf(goods, AGAIN).map(({ product, times, lastDay }) => ({
          product,
          times,
          lastDay: dayNumbered(lastDay),
        }))
      : [],
    rewards: rewards.flatMap(({ rewardId, available }) => (available ? [rewardId] : [])),
    promotions: [...program.promotions.values()]
      .filter((one) => isOpen(one, at))
      .map(({ id, name, until }) => ({
        promotion: id,
        name,
        registered: held('promotion').some((one) => one.name === id),
        until: until?.toISOString() ?? null,
      })),
    campaigns: held('campaign').flatMap(({ name, arm, since }) => {
      const campaign = program.campaigns.find(({ id }) => id === name)
      const treated = campaign?.arms.find(({ id }) => id === arm)
      if (!campaign || !treated || campaign.consents.some((consent) => consents[consent] !== true)) return []
      const told = { campaign: name, name: campaign.name, arm: treated.id, message: treated.message }
      return [{ ...told, since: since.toISOString() }]
    }),
  }
}

function wireScore(score: ScoreRow, program: Program): View['retention'] {
  const { asOf, state, since, flag, flaggedSince, expectedPurchases } = score
  const money = (amount: string | null) => (amount === null ? null : moneyOf(program, new Decimal(amount)))
  return {
    ...{ asOf, state, since, flag, flaggedSince, expectedPurchases },
    silentChance: score.pSilent,
    declineChance: score.pDecline,
    expectedValue: money(score.expectedValue),
    lifetimeValue: money(score.lifetimeValue),
  }
}

function wireValue(
  { facts, ends, score }: { facts: ValueFacts; ends: readonly string[]; score: ScoreRow | null },
  program: Program,
): View['value'] {
  const margin = marginOf(program)
  const delivered = deliveredOf(facts, program.value)
  const brought = broughtBy(facts, { margin })
  const money = (amount: Decimal) => moneyOf(program, amount)
  return {
    days: facts.days,
    delivered: {
      redeemed: money(delivered.redeemed),
      benefits: money(delivered.benefits),
      fees: money(delivered.fees),
      usualSpend: delivered.usualSpend && money(delivered.usualSpend),
      beyondUsual: money(delivered.beyondUsual),
      costOfBeyond: money(delivered.costOfBeyond),
      total: money(delivered.total),
    },
    brought: {
      netSpend: money(brought.netSpend),
      margin: margin.toFixed(),
      fees: money(brought.fees),
      pointsCost: money(brought.pointsCost),
      profit: money(brought.profit),
    },
    toDate: { netSpend: money(facts.everSpend), purchases: facts.purchases },
    rating:
      ends.length === 0
        ? null
        : valueGrade(
            brought.profit,
            ends.map((end) => new Decimal(end)),
          ),
    risk: score && riskGrade(score.pDecline, program.value.riskGrades),
  }
}

function moneyOf({ money: currency }: Program, amount: Money['amount']) {
  return wireMoney({ amount, currency })
}

function isOpen({ from, until }: { from: Date | null; until: Date | null }, at: Date): boolean {
  return (from === null || from <= at) && (until === null || at < until)
}

function monthsAgo(timeZone: string, at: Date): Date {
  return startOfDay(timeZone, addMonths(dayOf(timeZone, at), -CAMPAIGN_MONTHS))
}
