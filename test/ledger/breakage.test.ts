/** Survival and breakage: against figures worked out by hand, against a programme whose truth is known. */
import t from 'tap'
import { Survival } from '../../src/ledger/breakage.ts'
import type { CohortEvent } from '../../src/ledger/cohort.ts'

t.setTimeout(600_000)

const ended = (kind: CohortEvent['kind'], age: number, points: number): CohortEvent => ({
  kind,
  origin: 'issued',
  givenOn: 100,
  on: 100 + age,
  endedOn: 100 + age,
  points: BigInt(points),
})
const open = (age: number, points: number) => ({
  origin: 'issued' as const,
  givenOn: 100 - age,
  points: BigInt(points),
})

/** `redeemed 10@5` of each of so many members; `open 4@9` is still there at that age. */
function history(members: number, fates: string): Survival {
  const survival = new Survival()
  for (let index = 0; index < members; index += 1) {
    survival.member(`member-${index}`)
    for (const fate of fates.split(', ')) {
      const [kind = '', points = '', age = ''] = fate.split(/ |@/)
      if (kind === 'open') survival.open(open(Number(age), Number(points)), 100)
      else survival.event(ended(kind as CohortEvent['kind'], Number(age), Number(points)))
    }
  }
  return survival
}

const near = (t: { ok(good: boolean, what: string): unknown }, got: number, wanted: number, what: string) =>
  t.ok(Math.abs(got - wanted) < 1e-9, `${what}: ${got}, wanted ${wanted}`)

// Each row: fates of a member's points, the rate of redemption in the end, the rate of what is open, unresolved.
const rows: readonly (readonly [string, string, number, number, number])[] = [
  ['all has ended', 'redeemed 60@10, expired 40@30', 0.6, 1, 0],
  // 100 at risk at 10: F = .3, S = .7; 40 censored at 20; 30 at risk at 30, all lapse: the rate stays .3
  ['open ones are censored', 'redeemed 30@10, open 40@20, expired 30@30', 0.3, 0, 0],
  // at 10: F = .2, S = .8; 40 censored at 20; 40 left: at 30 F = .2 + .8 * 10/40 = .4, and the rest lapses:
  // of those open at 20 (.4 - .2) / .8 = .25 are still to be redeemed
  [
    'and redeemed as the others were',
    'redeemed 20@10, open 40@20, redeemed 10@30, expired 30@40',
    0.4,
    0.25,
    0,
  ],
  // returned points are censored like open ones
  [
    'what was taken back says nothing',
    'redeemed 20@10, cancelled 40@20, redeemed 10@30, expired 30@40',
    0.4,
    1,
    0,
  ],
  // at 10: F = .25, S = .75; at 20: X = .75 * 25/75, S = .5, which no history reaches: counted as redeemed
  ['what nobody has seen the end of', 'redeemed 25@10, expired 25@20, open 50@30', 0.75, 1, 0.5],
  [
    'a redemption that was undone',
    'redeemed 60@10, redeemed -60@10, redeemed 20@30, expired 80@30',
    0.2,
    1,
    0,
  ],
]

t.test('by hand', async (t) => {
  for (const [title, fates, rate, openRate, unresolved] of rows) {
    const estimate = history(40, fates).estimate()
    t.equal(estimate.tooLittle, null, title)
    near(t, estimate.redemptionRate.estimate, rate, `${title}: rate`)
    near(t, estimate.openRate.estimate, openRate, `${title}: of what is open`)
    near(t, estimate.unresolved, unresolved, `${title}: unresolved`)
    // Members that are all alike leave no doubt.
    near(t, estimate.redemptionRate.low ?? -1, rate, `${title}: low`)
    near(t, estimate.redemptionRate.high ?? -1, rate, `${title}: high`)
  }
})

t.test('too little history: everything is taken to be redeemed', async (t) => {
  const rows = [
    ['no_points', new Survival()],
    ['few_members', history(29, 'redeemed 6@10, expired 4@30')],
    ['nothing_lapsed_yet', history(40, 'redeemed 6@10, open 4@30')],
  ] as const
  for (const [reason, survival] of rows) {
    const { tooLittle, redemptionRate, openRate } = survival.estimate()
    t.equal(tooLittle, reason)
    t.strictSame([redemptionRate, openRate], Array(2).fill({ estimate: 1, low: null, high: null }), reason)
  }
})

t.test('points of unknown age are left out', async (t) => {
  const survival = history(40, 'redeemed 6@10, expired 4@30')
  survival.event({ ...ended('expired', 3, 1000), origin: 'moved' })
  survival.open({ ...open(5, 1000), origin: 'moved' }, 100)
  near(t, survival.estimate().redemptionRate.estimate, 0.6, 'rate')
})

t.test('the same history gives the same interval, and the curve is short', async (t) => {
  const make = () => history(40, 'redeemed 20@10, redeemed 30@399, expired 50@400').estimate()
  t.strictSame(make(), make())
  const { curve } = make()
  t.ok(curve.length <= 60, `${curve.length} points`)
  t.match(curve.at(-1), { age: 400, alive: 0 })
})

// 300 members redeem all of their points or none, with P = 0.7. Points are many, members are few: an interval
// over points would be a thousandth wide. Over 100 programmes 95 % intervals must cover 0.7 about 95 times.
t.test('the interval covers what is true', async (t) => {
  let seed = 12345
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
  let covered = 0
  let width = 0
  for (let run = 0; run < 100; run += 1) {
    const survival = new Survival()
    for (let index = 0; index < 300; index += 1) {
      survival.member(`${run}-${index}`)
      survival.event(ended(random() < 0.7 ? 'redeemed' : 'expired', 5 + (index % 3), 1000))
    }
    const { low, high } = survival.estimate().redemptionRate
    if (low! <= 0.7 && 0.7 <= high!) covered += 1
    width += (high! - low!) / 100
  }
  t.ok(covered >= 89 && covered <= 99, `${covered} of 100`)
  // 2 * 1.96 * sqrt(0.7 * 0.3 / 300) = 0.104
  t.ok(Math.abs(width - 0.104) < 0.012, `mean width ${width}`)
})
