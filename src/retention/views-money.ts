/** The views about money: what members bring and get, products, and what was given. */
import { Decimal, wireMoney } from '../base/points.ts'
import { dayOf, startOfDay } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { grades } from '../program/value.ts'
import {
  budgetsUsed,
  experimentsSeen,
  givenByRule,
  nearestPairs,
  productCounts,
  treatmentSums,
  type ViewScope,
} from './queries-views.ts'
import { stretchStart } from './stretch.ts'
import { gradeEndsOf, topShare, valueGrade } from './value.ts'
import { valuesOf } from './value-run.ts'
import { shareOf } from './view.ts'
import { NOTHING_BOUGHT, type Told } from './views-members.ts'

const ZERO = new Decimal(0)

export async function profitability(sql: Sql, scope: ViewScope, program: Program): Promise<Told> {
  const money = moneyOf(program)
  const profits: Decimal[] = []
  const delivered: Decimal[] = []
  const spend: Decimal[] = []
  let bought = 0
  for await (const page of valuesOf(sql, { program, at: scope.at })) {
    for (const one of page) {
      profits.push(one.profit)
      delivered.push(one.delivered.total)
      spend.push(one.facts.netSpend)
      if (one.facts.purchases > 0) bought += 1
    }
  }
  const ends = gradeEndsOf(profits, program.value.valueGrades)
  const byGrade = grades.map((grade) => ({ grade, members: 0, profit: ZERO, delivered: ZERO, spend: ZERO }))
  for (const [place, profit] of profits.entries()) {
    const row = byGrade[grades.indexOf(valueGrade(profit, ends))]!
    row.members += 1
    row.profit = row.profit.plus(profit)
    row.delivered = row.delivered.plus(delivered[place]!)
    row.spend = row.spend.plus(spend[place]!)
  }
  const sum = (all: readonly Decimal[]) => all.reduce((total, one) => total.plus(one), ZERO)
  const top = topShare(profits)
  return {
    note: bought === 0 ? NOTHING_BOUGHT : null,
    figures: [
      { name: 'members', value: profits.length, unit: 'members' },
      { name: 'net spend', value: money(sum(spend)), unit: 'money' },
      { name: 'profit', value: money(sum(profits)), unit: 'money' },
      { name: 'delivered to members', value: money(sum(delivered)), unit: 'money' },
      { name: 'top fifth by profit', value: top.members, unit: 'members' },
      { name: 'profit of the top fifth', value: money(top.profit), unit: 'money' },
      { name: 'its share of all profit made', value: top.share, unit: 'share' },
    ],
    tables: [
      {
        title: 'Members by value rating, A the most profitable',
        columns: ['rating', 'members', 'profit', 'share of profit', 'net spend', 'delivered'],
        rows: byGrade.map((row) => [
          row.grade,
          row.members,
          money(row.profit),
          shareOf(row.profit.toNumber(), sum(profits).toNumber()),
          money(row.spend),
          money(row.delivered),
        ]),
      },
    ],
    charts: [
      {
        kind: 'bars',
        title: 'Profit by value rating',
        along: 'rating',
        measure: `profit in ${program.money}`,
        unit: 'money',
        steps: byGrade.map(({ grade }) => grade),
        series: [{ name: 'profit', values: byGrade.map(({ profit }) => round(profit)) }],
      },
      {
        kind: 'bars',
        title: 'Delivered value by value rating',
        along: 'rating',
        measure: `delivered in ${program.money}`,
        unit: 'money',
        steps: byGrade.map(({ grade }) => grade),
        series: [{ name: 'delivered', values: byGrade.map((row) => round(row.delivered)) }],
      },
    ],
  }
}

const MOST_SHOWN = 20

export async function product(sql: Sql, scope: ViewScope): Promise<Told> {
  const [products, pairs] = await Promise.all([
    productCounts(sql, scope, MOST_SHOWN),
    nearestPairs(sql, scope, MOST_SHOWN),
  ])
  return {
    note:
      products.length === 0
        ? 'no sale names a product: lines need a sku'
        : pairs.length === 0
          ? 'no affinities yet: run `milepost jobs run products`'
          : null,
    figures: [],
    tables: [
      {
        title: `The ${MOST_SHOWN} products that most members bought`,
        columns: ['product', 'members', 'bought again', 'share', 'net spend'],
        rows: products.map((row) => [
          row.product,
          row.members,
          row.again,
          shareOf(row.again, row.members),
          new Decimal(row.net).toFixed(2),
        ]),
      },
      {
        title: 'The nearest pairs: bought by the same members',
        columns: ['product', 'with', 'nearness'],
        rows: pairs.map(({ product: one, other, nearness }) => [one, other, nearness]),
      },
    ],
    charts: [
      {
        kind: 'bars',
        title: 'Products that most members bought',
        along: 'product',
        measure: 'members',
        unit: 'members',
        steps: products.map((row) => row.product),
        series: [{ name: 'members', values: products.map(({ members }) => members) }],
      },
    ],
  }
}

export async function promotion(sql: Sql, scope: ViewScope, program: Program): Promise<Told> {
  const { timeZone } = program
  const today = dayOf(timeZone, scope.at)
  const since = startOfDay(timeZone, stretchStart(program.value.over, today))
  const [given, treated, used, seen] = await Promise.all([
    givenByRule(sql, scope, since),
    treatmentSums(sql, scope),
    budgetsUsed(sql, program.id),
    experimentsSeen(sql, scope),
  ])
  const worth = (currency: string, points: string) => {
    const value = program.currencies.get(currency)?.value
    return value ? value.amount.times(points) : null
  }
  const limits = new Map(
    program.rules.rules.flatMap(({ limits: own }) =>
      own.filter(({ per }) => per === 'all').map((limit) => [limit.name, limit.points]),
    ),
  )
  const uplift = (campaign: string, arm: string) =>
    seen.find(({ experiment }) => experiment === campaign)?.arms?.find((one) => one.arm === arm)
  return {
    note: given.length === 0 ? 'nothing was given yet' : null,
    figures: [
      { name: 'since', value: stretchStart(program.value.over, today), unit: 'date' },
      {
        name: 'points given, at their value',
        value: moneyOf(program)(
          given.reduce((sum, { currency, points }) => sum.plus(worth(currency, points) ?? ZERO), ZERO),
        ),
        unit: 'money',
      },
      {
        name: 'treatments by campaigns',
        value: treated.reduce((sum, one) => sum + one.treatments, 0),
        unit: 'count',
      },
    ],
    tables: [
      {
        title: 'What rules gave, returns taken off',
        columns: ['rule', 'currency', 'points', 'value', 'sales', 'members'],
        rows: given.map(({ rule, currency, points, transactions, members }) => {
          const value = worth(currency, points)
          return [rule, currency, Number(points), value && moneyOf(program)(value), transactions, members]
        }),
      },
      {
        title: 'Campaigns: what they cost, and what they moved against the control',
        columns: [
          'campaign',
          'arm',
          'members',
          'cost',
          'points at value',
          'budget',
          'more bought',
          'net a member',
        ],
        rows: treated.map(({ campaign, arm, members, cost, pointsValue }) => {
          const arms = uplift(campaign, arm)
          const budget = program.campaigns.find(({ id }) => id === campaign)?.budget ?? null
          const net = arms?.netDifference ?? null
          return [
            ...[campaign, arm, members, new Decimal(cost).toFixed(2), new Decimal(pointsValue).toFixed(2)],
            ...[
              budget && moneyOf(program)(budget),
              arms?.buying?.difference ?? null,
              net && cents(net.difference),
            ],
          ]
        }),
      },
      {
        title: 'Budgets of rules',
        columns: ['budget', 'period from', 'used', 'of'],
        rows: used.map(({ budget, period, used: points }) => {
          const whole = limits.get(budget)
          return [budget, period, Number(points), whole === undefined ? null : Number(whole)]
        }),
      },
    ],
    charts: [
      {
        kind: 'bars',
        title: 'Points by rule',
        along: 'rule and currency',
        measure: 'points given',
        unit: 'points',
        steps: given.slice(0, MOST_SHOWN).map(({ rule, currency }) => `${rule}, ${currency}`),
        series: [{ name: 'points', values: given.slice(0, MOST_SHOWN).map(({ points }) => Number(points)) }],
      },
    ],
  }
}

function moneyOf({ money: currency }: Program): (amount: Decimal) => string {
  return (amount) => wireMoney({ amount, currency }).amount
}

function round(amount: Decimal): number {
  return Number(amount.toFixed(2))
}

function cents(amount: number): string {
  return amount.toFixed(2)
}
