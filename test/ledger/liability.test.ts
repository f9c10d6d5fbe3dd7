/** What is owed: sums of postings into rows, and values that add up. */
import t from 'tap'
import { Decimal } from '../../src/base/points.ts'
import { OwedSums, valuesOf } from '../../src/ledger/liability.ts'
import { fc, runs } from '../support/property.ts'

const at = new Date('2026-03-31T21:59:59.999Z')

/** `issued>available 50 beans 2026-04-01T00:00Z program` */
function owedOf(...rows: readonly string[]) {
  const sums = new OwedSums({ timeZone: 'Europe/Berlin', at })
  for (const row of rows) {
    const [move = '', points = '', currency = '', expires = 'never', funder = null] = row.split(' ')
    const [from = '', to = ''] = move.split('>')
    const expiresAt = expires === 'never' ? null : new Date(expires)
    sums.add({ currency, expiresAt, funder, from, to, points: BigInt(points) })
  }
  return sums.list()
}

t.test('by funder and by the month of the last day', async (t) => {
  const [beans, miles] = owedOf(
    'issued>available 50 beans 2027-03-31T22:00:00Z program',
    'issued>available 7 beans 2027-03-31T21:00:00Z program',
    'issued>pending 5 beans 2027-04-30T22:00:00Z program',
    'available>held 20 beans 2027-03-31T22:00:00Z program',
    'held>redeemed 15 beans 2027-03-31T22:00:00Z program',
    'adjusted>available 3 beans never program',
    'issued>available 9 beans never acme',
    'issued>available 4 miles never program',
    'available>redeemed 4 miles never program',
  )
  t.strictSame(beans, {
    currency: 'beans',
    points: 59n,
    byAccount: { available: 49n, pending: 5n, held: 5n },
    lapsed: 0n,
    negative: 0n,
    rows: [
      { funder: 'program', expires: '2027-03', points: 42n },
      { funder: 'program', expires: '2027-04', points: 5n },
      { funder: 'acme', expires: null, points: 9n },
      { funder: 'program', expires: null, points: 3n },
    ],
    control: {
      ...{ issued: 71n, redeemed: -15n, expired: 0n, adjusted: 3n, carried: 0n },
      ...{ fees: 0n, forfeited: 0n, transferred: 0n, merged: 0n },
    },
  })
  t.match(miles, { currency: 'miles', points: 0n, rows: [] })
})

t.test('what has lapsed is not owed, what is held still is; debts stand apart', async (t) => {
  const [beans] = owedOf(
    'issued>available 30 beans 2026-03-31T21:59:59.999Z program',
    'issued>available 50 beans 2026-03-31T22:00:00Z program',
    'available>held 10 beans 2026-03-31T21:59:59.999Z program',
    'negative>issued 8 beans',
  )
  t.match(beans, { points: 60n, lapsed: 20n, negative: 8n, byAccount: { available: 50n, held: 10n } })
  t.equal(beans!.points + beans!.lapsed - beans!.negative, 72n)
  t.equal(beans!.control.issued, 72n)
})

t.test('values', async (t) => {
  const value = (amount: string, currency = 'EUR') => ({ amount: new Decimal(amount), currency })
  const shown = (rows: bigint[], of: ReturnType<typeof value>) =>
    valuesOf(rows, of).map(({ amount }) => amount)
  t.strictSame(shown([1n, 1n, 1n], value('0.005')), ['0.00', '0.01', '0.01'])
  t.strictSame(shown([123n, 1n], value('0.008')), ['0.98', '0.01'])
  t.strictSame(shown([3n, 4n], value('0.5', 'JPY')), ['2', '2'])
  t.strictSame(shown([], value('1')), [])
})

t.test('rows always sum to the value of all, and none is off by more than a cent', async () => {
  const amount = fc.integer({ min: 1, max: 99_999 }).map((n) => new Decimal(n).dividedBy(100_000))
  fc.assert(
    fc.property(fc.array(fc.bigInt(-50n, 10n ** 12n), { maxLength: 20 }), amount, (rows, amount) => {
      const value = { amount, currency: 'EUR' }
      const values = valuesOf(rows, value).map((one) => new Decimal(one.amount))
      const sum = values.reduce((all, one) => all.plus(one), new Decimal(0))
      const [whole] = valuesOf([rows.reduce((all, one) => all + one, 0n)], value)
      const off = (points: bigint, shown: Decimal) => amount.times(points.toString()).minus(shown).abs()
      return (
        sum.equals(whole!.amount) &&
        rows.every((row, index) => off(row, values[index]!).lessThanOrEqualTo('0.01'))
      )
    }),
    { numRuns: runs(300) },
  )
})
