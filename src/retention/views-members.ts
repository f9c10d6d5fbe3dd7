/** The views about members: who they are, who comes back, who may buy a second time. */
import { Decimal } from '../base/points.ts'
import { MONTHS } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import {
  buyersByDays,
  cohortCounts,
  rfmCounts,
  scoresByState,
  secondPurchases,
  statusCounts,
  tierCounts,
  type ViewScope,
} from './queries-views.ts'
import { secondOdds } from './second.ts'
import { shareOf, type View } from './view.ts'

export type Told = Pick<View, 'note' | 'figures' | 'tables' | 'charts'>

export const NOTHING_BOUGHT = 'nobody has bought anything yet'
const NOT_SCORED = 'no scores yet: run `milepost jobs run score`'

const bands = new Map([
  [1, '1'],
  [2, '2'],
  [3, '3'],
  [4, '4'],
  [5, '5'],
  [6, '6 to 10'],
  [11, 'more than 10'],
])

export async function profiling(sql: Sql, scope: ViewScope, { ladders }: Program): Promise<Told> {
  const [statuses, buyers, states, rfm, tiers] = await Promise.all([
    statusCounts(sql, scope),
    buyersByDays(sql, scope),
    scoresByState(sql, scope),
    rfmCounts(sql, scope),
    tierCounts(sql, scope),
  ])
  const members = statuses.reduce((sum, { status, members: n }) => sum + (status === 'active' ? n : 0), 0)
  const bought = buyers.reduce((sum, { members: n }) => sum + n, 0)
  const repeat = buyers.reduce((sum, { days, members: n }) => sum + (days > 1 ? n : 0), 0)
  const named = [...bands].flatMap(([days, name]) => {
    const row = buyers.find((one) => one.days === days)
    return row ? [{ name, ...row }] : []
  })
  return {
    note: bought === 0 ? NOTHING_BOUGHT : states.length === 0 ? NOT_SCORED : null,
    figures: [
      { name: 'active members', value: members, unit: 'members' },
      { name: 'have bought', value: bought, unit: 'members' },
      { name: 'bought again, share of those', value: shareOf(repeat, bought), unit: 'share' },
    ],
    tables: [
      {
        title: 'Members by purchase days',
        columns: ['purchase days', 'members', 'share', 'net spend'],
        rows: named.map((row) => [
          row.name,
          row.members,
          shareOf(row.members, bought),
          new Decimal(row.net).toFixed(2),
        ]),
      },
      {
        title: 'Members by state',
        columns: ['state', 'members', 'flagged'],
        rows: states.map(({ state, members: n, flagged }) => [state, n, flagged]),
      },
      {
        title: 'Members by fifths of recency and frequency, 5 the best',
        columns: ['recency', 'frequency', 'members'],
        rows: rfm.map(({ recency, frequency, members: n }) => [recency, frequency, n]),
      },
      {
        title: 'Members by tier',
        columns: ['ladder', 'tier', 'members'],
        rows: ladders.flatMap(({ id, tiers: rungs }) => {
          const own = tiers.filter(({ ladder }) => ladder === id)
          // Who never left the base tier has no standing of their own.
          const moved = own.reduce((sum, row) => sum + row.members, 0)
          const at = (tier: string) => own.find((row) => row.tier === tier)?.members ?? 0
          return rungs.map(({ id: tier, rank }) => [id, tier, at(tier) + (rank === 0 ? members - moved : 0)])
        }),
      },
    ],
    charts: [
      {
        kind: 'bars',
        title: 'Members by purchase days',
        along: 'purchase days',
        measure: 'members',
        unit: 'members',
        steps: named.map(({ name }) => name),
        series: [{ name: 'members', values: named.map(({ members: n }) => n) }],
      },
      {
        kind: 'bars',
        title: 'Members by state',
        along: 'state',
        measure: 'members',
        unit: 'members',
        steps: states.map(({ state }) => state),
        series: [{ name: 'members', values: states.map(({ members: n }) => n) }],
      },
    ],
  }
}

const MOST_LINES = 6
const MOST_MONTHS = 12

export async function persistency(sql: Sql, scope: ViewScope, asOf: string): Promise<Told> {
  const rows = await cohortCounts(sql, scope)
  const cohorts = [...new Set(rows.map(({ cohort }) => cohort))]
  const size = (cohort: string) => rows.find((row) => row.cohort === cohort && row.month === 0)?.members ?? 0
  // A month that is not over yet would look like a fall.
  const whole = (cohort: string) => monthsBetween(cohort, asOf.slice(0, 7)) - 1
  const longest = Math.min(MOST_MONTHS, Math.max(0, ...cohorts.map(whole)))
  const share = (cohort: string, month: number) =>
    month > whole(cohort)
      ? null
      : shareOf(rows.find((row) => row.cohort === cohort && row.month === month)?.members ?? 0, size(cohort))
  const months = Array.from({ length: longest }, (_, index) => index + 1)
  const all = months.map((month) => {
    const seen = cohorts.filter((cohort) => month <= whole(cohort))
    const came = seen.reduce((sum, cohort) => sum + (share(cohort, month) ?? 0) * size(cohort), 0)
    return shareOf(
      came,
      seen.reduce((sum, cohort) => sum + size(cohort), 0),
    )
  })
  const drawn = cohorts.filter((cohort) => whole(cohort) >= 1).slice(-MOST_LINES)
  return {
    note:
      cohorts.length === 0
        ? NOTHING_BOUGHT
        : longest === 0
          ? 'too little history: no month after a first purchase is over yet'
          : null,
    figures: [
      { name: 'months of first purchases', value: cohorts.length, unit: 'count' },
      { name: 'bought in the month after the first', value: all[0] ?? null, unit: 'share' },
    ],
    tables: [
      {
        title: 'Share of the members who bought in the months after their first purchase',
        columns: ['first purchase in', 'members', ...months.map((month) => `month ${month}`)],
        rows: [
          ...cohorts.map((cohort) => [cohort, size(cohort), ...months.map((month) => share(cohort, month))]),
          ...(longest > 0 ? [['all', cohorts.reduce((sum, one) => sum + size(one), 0), ...all]] : []),
        ],
      },
    ],
    charts: [
      {
        kind: 'lines',
        title: 'Who bought in the months after the first purchase',
        along: 'months after the first purchase',
        measure: 'share of the members',
        unit: 'share',
        steps: months.map(String),
        series: [
          ...drawn.map((cohort) => ({
            name: monthName(cohort),
            values: months.map((month) => share(cohort, month)),
          })),
          ...(drawn.length > 1 ? [{ name: 'all', values: all }] : []),
        ],
      },
    ],
  }
}

function monthsBetween(from: string, to: string): number {
  const months = (text: string) => Number(text.slice(0, 4)) * 12 + Number(text.slice(5, 7))
  return months(to) - months(from)
}

function monthName(month: string): string {
  return `${MONTHS[Number(month.slice(5, 7)) - 1]!.slice(0, 3)} ${month.slice(0, 4)}`
}

const STEP = 7
const LONGEST = 364
const FEWEST = 10
const AHEAD = 28

export async function prospecting(sql: Sql, scope: ViewScope): Promise<Told> {
  const [rows, states] = await Promise.all([secondPurchases(sql, scope), scoresByState(sql, scope)])
  const odds = secondOdds(rows)
  const steps = Array.from({ length: LONGEST / STEP + 1 }, (_, index) => index * STEP).filter(
    (day) => odds.within(day) !== null,
  )
  const waits = [0, 28, 56, 84, 168, 252, LONGEST].map((from, index, ends) => {
    const until = ends[index + 1] ?? Number.POSITIVE_INFINITY
    const members = rows
      .filter(({ gap, waited }) => gap === null && waited >= from && waited < until)
      .reduce((sum, row) => sum + row.members, 0)
    return { name: Number.isFinite(until) ? `${from} to ${until - 1}` : `${from} or more`, from, members }
  })
  const scored = states.length > 0
  const expected = states.reduce((sum, { expectedPurchases }) => sum + expectedPurchases, 0)
  const value = states.some(({ expectedValue }) => expectedValue !== null)
    ? states.reduce((sum, { expectedValue }) => sum + Number(expectedValue ?? 0), 0).toFixed(2)
    : null
  const few = odds.members < FEWEST
  return {
    note:
      odds.members === 0
        ? NOTHING_BOUGHT
        : few
          ? `too little history: ${odds.members} members have bought, odds need ${FEWEST}`
          : scored
            ? null
            : NOT_SCORED,
    figures: [
      { name: 'have bought', value: odds.members, unit: 'members' },
      { name: 'wait for a second purchase', value: odds.waiting, unit: 'members' },
      { name: 'second purchase within 28 days', value: few ? null : odds.within(28), unit: 'share' },
      { name: 'second purchase within 84 days', value: few ? null : odds.within(84), unit: 'share' },
      {
        name: 'purchases to come in the horizon',
        value: scored ? Math.round(expected) : null,
        unit: 'count',
      },
      { name: 'their value', value, unit: 'money' },
    ],
    tables: [
      {
        title: `Members with one purchase, and the odds of a second in the next ${AHEAD} days`,
        columns: ['days since the first', 'members', 'odds'],
        rows: waits.map(({ name, from, members }) => [name, members, few ? null : odds.next(from, AHEAD)]),
      },
    ],
    charts: few
      ? []
      : [
          {
            kind: 'lines',
            title: 'Odds of a second purchase',
            along: 'days after the first purchase',
            measure: 'share of the members',
            unit: 'share',
            steps: steps.map(String),
            series: [{ name: 'bought again', values: steps.map((day) => odds.within(day)) }],
          },
        ],
  }
}
