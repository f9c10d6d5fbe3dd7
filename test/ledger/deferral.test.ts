/** Deferred revenue against the worked examples of IFRS 15 and of a Big Four handbook, and its laws. */
import t from 'tap'
import { Decimal } from '../../src/base/points.ts'
import type { CohortEvent } from '../../src/ledger/cohort.ts'
import {
  allocate,
  expectedTotal,
  recognisedSoFar,
  rollForward,
  standalonePrice,
  Vintages,
} from '../../src/ledger/deferral.ts'
import { fc, runs } from '../support/property.ts'

const d = (text: string | number) => new Decimal(text)
const whole = (amount: Decimal) => amount.toDecimalPlaces(0, Decimal.ROUND_HALF_UP).toFixed()

// IFRS 15 (2014), illustrative example 52: sales of 100,000, 10,000 points worth 1 each.
t.test('IFRS 15, example 52', async (t) => {
  const points = standalonePrice({ points: 10_000n, value: d(1), redemptionRate: d('0.95') })
  t.equal(whole(points), '9500')
  const [deferred] = allocate(d(100_000), { goods: d(100_000), points: [points] })
  t.equal(whole(deferred!), '8676')
  t.equal(whole(d(100_000).minus(deferred!)), '91324')

  const first = recognisedSoFar(deferred!, { given: 10_000n, redeemed: 4_500n, open: 5_500n }, d('0.95'))
  t.equal(whole(first), '4110')
  t.equal(whole(deferred!.minus(first)), '4566')
  const second = recognisedSoFar(deferred!, { given: 10_000n, redeemed: 8_500n, open: 1_500n }, d('0.97'))
  t.equal(whole(second.minus(first)), '3493')
  t.equal(whole(deferred!.minus(second)), '1073')
})

// KPMG's example: 97 % expected; the handbook rounds the allocated share, 8.84 %, to 9 %.
t.test("KPMG's example: 9,000 deferred, 4,175 recognised", async (t) => {
  const points = standalonePrice({ points: 10_000n, value: d(1), redemptionRate: d('0.97') })
  const [share] = allocate(d(1), { goods: d(100_000), points: [points] })
  t.equal(share!.toDecimalPlaces(4).toFixed(), '0.0884')
  const deferred = d(100_000).times(share!.toDecimalPlaces(2))
  t.equal(deferred.toFixed(), '9000')
  const standing = { given: 10_000n, redeemed: 4_500n, open: 5_500n }
  t.equal(expectedTotal(standing, d('0.97')).toFixed(), '9700')
  t.equal(whole(recognisedSoFar(deferred, standing, d('0.97'))), '4175')
})

// Each row: given, redeemed, open, the rate; what is expected in all; recognised of 1,000 deferred.
const rows: readonly (readonly [string, number, number, number, string, string, string])[] = [
  ['nothing redeemed yet', 100, 0, 100, '0.8', '80', '0'],
  ['half of what is expected', 100, 40, 60, '0.8', '80', '500'],
  ['all of what is expected', 100, 80, 20, '0.8', '80', '1000'],
  ['more than expected: never more than all', 100, 90, 10, '0.8', '90', '1000'],
  ['fewer are left than expected', 100, 40, 20, '0.8', '60', '667'],
  ['all has ended: breakage and all', 100, 40, 0, '0.8', '40', '1000'],
  ['all has lapsed', 100, 0, 0, '0.8', '0', '1000'],
  ['nobody is expected to redeem', 100, 0, 100, '0', '0', '1000'],
]

t.test('expected and recognised', async (t) => {
  for (const [title, given, redeemed, open, rate, expected, recognised] of rows) {
    const standing = { given: BigInt(given), redeemed: BigInt(redeemed), open: BigInt(open) }
    t.equal(expectedTotal(standing, d(rate)).toFixed(), expected, title)
    t.equal(whole(recognisedSoFar(d(1000), standing, d(rate))), recognised, title)
  }
})

t.test('two kinds of points share a price', async (t) => {
  const parts = allocate(d(100), { goods: d(100), points: [d(20), d(5)] })
  t.strictSame(
    parts.map((part) => part.toFixed()),
    ['16', '4'],
  )
  t.strictSame(allocate(d(0), { goods: d(0), points: [d(0)] }).map(whole), ['0'])
})

const given = (on: number, points: bigint, origin: CohortEvent['origin'] = 'issued'): CohortEvent => ({
  kind: 'given',
  origin,
  givenOn: on,
  on,
  endedOn: on,
  points,
})
const ended = (
  kind: 'redeemed' | 'expired' | 'cancelled' | 'moved',
  [givenOn, on, points]: [number, number, bigint],
  origin: CohortEvent['origin'] = 'issued',
): CohortEvent => ({ kind, origin, givenOn, on, endedOn: on, points })

/** Days are their own periods here. */
function roll(events: readonly CohortEvent[], terms: { deferred: number[]; rates: string[] }) {
  const vintages = new Vintages(String)
  for (const event of events) vintages.event(event)
  return rollForward(vintages.list(), {
    periods: terms.rates.map((_, index) => String(index)),
    deferred: (period) => d(terms.deferred[Number(period)] ?? 0),
    rate: (period) => d(terms.rates[Number(period)]!),
  })
}

const money = (totals: ReturnType<typeof roll>) =>
  totals.map(({ deferred, cancelled, byRedemption, byBreakage, reestimate }) =>
    [deferred, cancelled, byRedemption, byBreakage, reestimate].map((one) => whole(one)).join(' '),
  )

// Deferred, cancelled, by redemption, by breakage (running totals), and what the change of estimate alone brought.
t.test('a roll-forward', async (t) => {
  await t.test('example 52 over its two periods', async (t) => {
    const events = [given(0, 10_000n), ended('redeemed', [0, 0, 4_500n]), ended('redeemed', [0, 1, 4_000n])]
    t.strictSame(money(roll(events, { deferred: [8676], rates: ['0.95', '0.97'] })), [
      '8676 0 3904 205 0',
      // 8,676 * 4,500 / 9,700 - 8,676 * 4,500 / 9,500 = -85 of the period's 3,493
      '8676 0 7375 228 -85',
    ])
  })
  await t.test('what has ended is recognised, by redemption and breakage', async (t) => {
    const events = [given(0, 100n), ended('redeemed', [0, 1, 60n]), ended('expired', [0, 2, 40n])]
    t.strictSame(money(roll(events, { deferred: [900], rates: ['0.9', '0.9', '0.9'] })), [
      '900 0 0 0 0',
      '900 0 540 60 0',
      '900 0 540 360 0',
    ])
  })
  await t.test('a return takes its share of what was deferred', async (t) => {
    const events = [given(0, 100n), ended('cancelled', [0, 1, 25n]), ended('redeemed', [0, 1, 75n])]
    t.strictSame(money(roll(events, { deferred: [80], rates: ['1', '1'] })), ['80 0 0 0 0', '80 20 60 0 0'])
  })
  await t.test('a redemption that is undone is deferred again', async (t) => {
    const events = [given(0, 10n), ended('redeemed', [0, 0, 10n]), ended('redeemed', [0, 1, -10n])]
    t.strictSame(money(roll(events, { deferred: [50], rates: ['1', '1'] })), ['50 0 50 0 0', '50 0 0 0 0'])
  })
  await t.test('points given by hand were not sold', async (t) => {
    const events = [given(0, 10n, 'adjusted'), ended('redeemed', [0, 0, 10n], 'adjusted'), given(0, 10n)]
    t.strictSame(money(roll(events, { deferred: [50], rates: ['1'] })), ['50 0 0 0 0'])
  })
  await t.test('points that were moved take along what was deferred for them', async (t) => {
    const events = [
      given(0, 100n),
      ended('moved', [0, 1, 40n]),
      given(1, 40n, 'moved'),
      // once more on the same day
      ended('moved', [1, 1, 10n], 'moved'),
      given(1, 10n, 'moved'),
      ended('redeemed', [0, 2, 60n]),
      ended('redeemed', [1, 2, 40n], 'moved'),
    ]
    t.strictSame(money(roll(events, { deferred: [500], rates: ['1', '1', '1'] })), [
      '500 0 0 0 0',
      '500 0 0 0 0',
      '500 0 500 0 0',
    ])
  })
  await t.test('an expectation that was exceeded is told', async (t) => {
    const events = [given(0, 100n), ended('redeemed', [0, 1, 60n])]
    const totals = roll(events, { deferred: [10], rates: ['0.5', '0.5'] })
    t.strictSame(
      totals.map(({ exceeded }) => exceeded),
      [[], ['0']],
    )
  })
})

// Points end in any way at any rate: nothing is recognised that was not deferred, and in the end all of it is.
t.test('in the end everything is revenue or taken back', async () => {
  const vintage = fc.record({
    redeemed: fc.array(fc.nat(3), { maxLength: 5 }),
    expired: fc.nat(50),
    cancelled: fc.nat(20),
    deferred: fc.integer({ min: 0, max: 1000 }),
  })
  const rate = fc.integer({ min: 0, max: 100 }).map((percent) => String(percent / 100))
  fc.assert(
    fc.property(
      fc.array(vintage, { minLength: 1, maxLength: 4 }),
      fc.array(rate, { minLength: 9, maxLength: 9 }),
      (all, rates) => {
        const events = all.flatMap(({ redeemed, expired, cancelled }, day) => {
          const spent = redeemed.map((more, index) =>
            ended('redeemed', [day, Math.min(8, day + (index % 4) + more), 5n]),
          )
          const rest = [
            ended('expired', [day, 8, BigInt(expired)]),
            ended('cancelled', [day, day, BigInt(cancelled)]),
          ]
          return [given(day, BigInt(5 * redeemed.length + expired + cancelled)), ...spent, ...rest]
        })
        const totals = roll(events, { deferred: all.map(({ deferred }) => deferred), rates })
        for (const { deferred, cancelled, byRedemption, byBreakage } of totals) {
          const closing = deferred.minus(cancelled).minus(byRedemption).minus(byBreakage)
          if (closing.lessThan('-1e-20')) return false
        }
        const { deferred, cancelled, byRedemption, byBreakage } = totals.at(-1)!
        return deferred.minus(cancelled).minus(byRedemption).minus(byBreakage).abs().lessThan('1e-20')
      },
    ),
    { numRuns: runs(300) },
  )
})
