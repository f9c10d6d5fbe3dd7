/** Drawing on lots: what lapses first goes first, and a draw can be told apart and divided without loss. */
import t from 'tap'
import { DomainError } from '../../src/base/errors.ts'
import { drawFromLots, emptyLot, keyOfLot, type Lot, lotIdOf, splitDraws } from '../../src/ledger/lot.ts'

const day = (n: number) => new Date(Date.UTC(2026, 0, n))
const NOW = day(2)

// `a:50@9`: a lot of 50 points that lapses on day 9, told apart by its funder.
function lots(text: string): Lot[] {
  return text.split(' ').map((word) => {
    const [funder, points, expiry] = word.split(/[:@]/) as [string, string, string]
    const expiresAt = expiry === 'never' ? null : day(Number(expiry))
    return {
      ...emptyLot({ currency: 'points', expiresAt, usableFrom: null, funder }),
      available: BigInt(points),
    }
  })
}

// Each row is one draw on day 2: the lots, the points asked for, and what comes of it.
const rows = [
  ['a:50@9 b:50@5', 30n, 'b:30'], // soonest expiry first
  ['a:50@9 b:50@5', 70n, 'b:50 a:20'], // and on into the next lot
  ['a:50@never b:50@5', 60n, 'b:50 a:10'], // a lot that never lapses goes last
  ['b:50@5 a:50@5', 10n, 'a:10'], // equal expiries: the lower id
  ['a:50@2 b:50@5', 50n, 'b:50'], // day 2 is too late for a lot that lapses on day 2
  ['a:50@2 b:50@5', 51n, 'insufficient_points'],
  ['a:0@9 b:1@9', 1n, 'b:1'], // an empty lot gives nothing
] as const

for (const [given, points, expected] of rows) {
  t.test(`${points} from ${given} is ${expected}`, async (t) => {
    const from = lots(given)
    try {
      const draws = drawFromLots(from, { currency: 'points', points, at: NOW })
      t.equal(draws.map((draw) => `${keyOfLot(draw.lotId).funder}:${draw.points}`).join(' '), expected)
    } catch (error) {
      t.ok(error instanceof DomainError)
      t.equal((error as DomainError).code, expected)
    }
  })
}

t.test('a lot of another currency is not touched', async (t) => {
  const from = lots('a:50@9')
  t.throws(() => drawFromLots(from, { currency: 'miles', points: 1n, at: NOW }), {
    code: 'insufficient_points',
  })
})

t.test('a lot id spells out its key and back', async (t) => {
  for (const key of [
    { currency: 'points', expiresAt: null, usableFrom: null, funder: 'program' },
    { currency: 'miles', expiresAt: day(9), usableFrom: day(3), funder: 'hotel' },
  ]) {
    t.same(keyOfLot(lotIdOf(key)), key)
  }
})

t.test('draws are split in their order, and nothing is lost', async (t) => {
  const draws = [
    { lotId: 'a', points: 30n },
    { lotId: 'b', points: 20n },
  ]
  const cases: [bigint, string, string][] = [
    [10n, 'a:10', 'a:20 b:20'],
    [30n, 'a:30', 'b:20'],
    [40n, 'a:30 b:10', 'b:10'],
    [50n, 'a:30 b:20', ''],
  ]
  const show = (list: { lotId: string; points: bigint }[]) =>
    list.map((d) => `${d.lotId}:${d.points}`).join(' ')
  for (const [points, first, rest] of cases) {
    const split = splitDraws(draws, points)
    t.equal(show(split.first), first)
    t.equal(show(split.rest), rest)
  }
})
