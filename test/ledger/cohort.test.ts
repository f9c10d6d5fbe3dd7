/** Which cohort left: legs of a lot in, what is told of each cohort out. */
import t from 'tap'
import { type CohortEvent, LotCohorts } from '../../src/ledger/cohort.ts'
import { fc, runs } from '../support/property.ts'

/** `issued>available 100 @1 r1` */
function play(legs: string, lapseOn?: number): { told: string; open: string; lot: LotCohorts } {
  const told: string[] = []
  const lot = new LotCohorts((event) => told.push(show(event)))
  for (const leg of legs === '' ? [] : legs.split(', ')) {
    const [move = '', points = '', day = '', redemptionId = null] = leg.split(' ')
    const [from = '', to = ''] = move.split('>')
    lot.add({ from, to, points: BigInt(points), on: Number(day.slice(1)), redemptionId })
  }
  if (lapseOn !== undefined) lot.lapse(lapseOn)
  const open = lot.open().map(({ origin, givenOn, points }) => `${points} ${origin} @${givenOn}`)
  return { told: told.join(', '), open: open.join(', '), lot }
}

function show({ kind, origin, givenOn, on, endedOn, points }: CohortEvent): string {
  if (kind === 'given') return `${points} ${origin} @${givenOn}`
  const undone = points < 0n ? ` of @${endedOn}` : ''
  return `${points} ${kind} @${on}${undone} from @${givenOn}`
}

// Each row: the legs of one lot, what is told after the points were given, and what is left open.
const rows: readonly (readonly [string, string, string, string])[] = [
  ['nothing', '', '', ''],
  [
    'spent, the first come first',
    'issued>available 50 @1, issued>available 50 @2, available>redeemed 70 @5',
    '50 redeemed @5 from @1, 20 redeemed @5 from @2',
    '30 issued @2',
  ],
  [
    'a return takes the latest',
    'issued>available 50 @1, issued>available 50 @2, available>issued 60 @3',
    '50 cancelled @3 from @2, 10 cancelled @3 from @1',
    '40 issued @1',
  ],
  [
    'inside the lot nothing ends',
    'issued>pending 9 @1, pending>available 9 @3, available>held 9 @4, held>available 4 @5',
    '',
    '9 issued @1',
  ],
  [
    'what is held is spent when it is captured',
    'issued>available 9 @1, available>held 9 @2, held>redeemed 9 @4',
    '9 redeemed @4 from @1',
    '',
  ],
  [
    'lapsed',
    'issued>available 9 @1, available>redeemed 4 @2, available>expired 5 @8',
    '4 redeemed @2 from @1, 5 expired @8 from @1',
    '',
  ],
  [
    'a redemption that is undone brings back what it took',
    'issued>available 5 @1, issued>available 5 @2, available>redeemed 5 @3 a, available>redeemed 5 @4 b, redeemed>available 5 @6 a',
    '5 redeemed @3 from @1, 5 redeemed @4 from @2, -5 redeemed @6 of @3 from @1',
    '5 issued @1',
  ],
  [
    'without its reference the latest',
    'issued>available 5 @1, issued>available 5 @2, available>redeemed 5 @3, available>redeemed 5 @4, redeemed>available 5 @6',
    '5 redeemed @3 from @1, 5 redeemed @4 from @2, -5 redeemed @6 of @4 from @2',
    '5 issued @2',
  ],
  [
    'points that lapsed and are given back',
    'issued>available 5 @1, available>expired 5 @3, expired>available 2 @4',
    '5 expired @3 from @1, -2 expired @4 of @3 from @1',
    '2 issued @1',
  ],
  [
    'a return of lapsed points',
    'issued>available 9 @1, available>expired 9 @8, expired>issued 4 @9',
    '9 expired @8 from @1, -4 expired @9 of @8 from @1, 4 cancelled @9 from @1',
    '',
  ],
  [
    'the same, of a day before they lapsed',
    'issued>available 9 @1, expired>issued 4 @5, available>expired 9 @8',
    '4 cancelled @8 from @1, 5 expired @8 from @1',
    '',
  ],
  [
    'a debt paid off goes with its return',
    'issued>pending 5 @1, pending>negative 5 @2',
    '5 cancelled @2 from @1',
    '',
  ],
  [
    'by hand, both ways',
    'adjusted>available 5 @1, available>adjusted 2 @2',
    '2 cancelled @2 from @1',
    '3 adjusted @1',
  ],
  [
    'from and to elsewhere',
    'transferred>available 5 @1, available>transferred 2 @2',
    '2 moved @2 from @1',
    '3 moved @1',
  ],
  [
    'spent before it came',
    'available>redeemed 5 @1, issued>available 8 @3',
    '5 redeemed @3 from @3',
    '3 issued @3',
  ],
  ['spent and it never came', 'available>redeemed 5 @1', '', '-5 moved @1'],
]

t.test('each row', async (t) => {
  for (const [title, legs, told, open] of rows) {
    const played = play(legs)
    const ended = played.told.split(', ').filter((one) => / from /.test(one))
    t.strictSame([ended.join(', '), played.open], [told, open], title)
  }
})

t.test('what lapsed without a sweep; what is held stays', async (t) => {
  const legs = 'issued>available 10 @1, available>held 4 @2'
  t.equal(play(legs, 9).told, '10 issued @1, 6 expired @9 from @1')
  t.equal(play(legs, 9).open, '4 issued @1')
  t.equal(
    play('issued>available 4 @1, available>redeemed 4 @2', 9).told,
    '4 issued @1, 4 redeemed @2 from @1',
  )
})

// Whatever comes in whatever order: given less ended is what is open, in all and for no cohort below zero.
t.test('nothing is lost', async () => {
  const account = fc.constantFrom(
    'available',
    'pending',
    'held',
    'issued',
    'redeemed',
    'expired',
    'adjusted',
    'negative',
    'pooled',
  )
  const leg = fc
    .record({
      from: account,
      to: account,
      points: fc.bigInt(1n, 40n),
      wait: fc.nat(3),
      redemptionId: fc.constantFrom(null, 'a', 'b'),
    })
    .filter(({ from, to }) => from !== to)
  fc.assert(
    fc.property(fc.array(leg, { maxLength: 30 }), (legs) => {
      const inLot = new Set(['available', 'pending', 'held'])
      let [day, balance] = [0, 0n]
      const cohorts = new Map<string, bigint>()
      const lot = new LotCohorts(({ kind, origin, givenOn, points }) => {
        const key = `${origin} ${givenOn}`
        cohorts.set(key, (cohorts.get(key) ?? 0n) + (kind === 'given' ? points : -points))
      })
      for (const { wait, ...one } of legs) {
        day += wait
        lot.add({ ...one, on: day })
        if (inLot.has(one.to)) balance += one.points
        if (inLot.has(one.from)) balance -= one.points
      }
      const open = lot.open().reduce((sum, { points }) => sum + points, 0n)
      const owing = lot.open().reduce((sum, { points }) => (points < 0n ? sum + points : sum), 0n)
      const told = [...cohorts.values()].reduce((sum, points) => sum + points, 0n)
      return (
        open === balance && told + owing === balance && [...cohorts.values()].every((points) => points >= 0n)
      )
    }),
    { numRuns: runs(500) },
  )
})
