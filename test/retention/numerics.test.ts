/**
 * The numerics under the models: each function against a closed form, an independent sum or a known answer, and
 * at the ends of its range.
 */
import t from 'tap'
import { compress, numbering, tidyHistory, totalsOf } from '../../src/retention/cell.ts'
import { gaussFromOne } from '../../src/retention/hypergeometric.ts'
import { logAddExp } from '../../src/retention/law.ts'
import {
  better,
  curvature,
  inverseOfBowl,
  nelderMead,
  type Problem,
  polish,
} from '../../src/retention/minimise.ts'
import { atLeast, mixedTails, tails } from '../../src/retention/negative-binomial.ts'
import { integral } from '../../src/retention/quadrature.ts'
import { fc, runs } from '../support/property.ts'

const relative = (found: number, wanted: number) => Math.abs(found / wanted - 1)

t.test('the hypergeometric function', async (t) => {
  // 2F1(1, b; c+1; z) for b, c, z
  const rows = [
    [1, 1, 0, 1],
    [1, 1, 0.5, 2 * Math.LN2],
    [1, 1, 0.999999, -Math.log(1e-6) / 0.999999],
    [3, 2, 0.75, 4],
    [0.5, 1, 0.36, 2 / (1 + 0.8)],
    [300, 400, 1e-9, 1 + (300 / 401) * 1e-9],
  ] as const
  for (const [b, c, z, wanted] of rows) {
    t.ok(relative(gaussFromOne(b, c, z), wanted) < 1e-9, `${b} ${c} ${z}: ${gaussFromOne(b, c, z)}`)
  }
  t.throws(() => gaussFromOne(5, 1, 0.5), 'where the fraction need not converge')
})

t.test('the hypergeometric function against its series', async () => {
  const shape = fc.double({ min: 0.01, max: 400, noNaN: true })
  const z = fc.double({ min: 0, max: 0.97, noNaN: true })
  fc.assert(
    fc.property(shape, shape, z, (b, more, z) => {
      const c = b + more
      let [sum, term] = [0, 1]
      for (let n = 0; n < 3_000; n++) {
        sum += term
        term *= ((b + n) / (c + 1 + n)) * z
      }
      return relative(gaussFromOne(b, c, z), sum) < 1e-11
    }),
    { numRuns: runs(500) },
  )
})

t.test('integrals', async (t) => {
  const rows = [
    [(x: number) => x ** 31, 0, 1, 1, 1 / 32],
    [Math.exp, -1, 2, 1, Math.exp(2) - Math.exp(-1)],
    [(x: number) => 1 / (1 + x * x), 0, 50, 20, Math.atan(50)],
    [Math.sin, 3, 3, 2, 0],
  ] as const
  for (const [f, low, high, panels, wanted] of rows) {
    t.ok(Math.abs(integral(f, { low, high, panels }) - wanted) < 1e-12, `${f} from ${low} to ${high}`)
  }
})

t.test('tails of the negative binomial law', async (t) => {
  // Of size 1 it is geometric: P(N >= n) = share^n.
  for (const n of [0, 1, 5, 60]) {
    t.ok(Math.abs(atLeast({ size: 1, before: 3, ahead: 7 }, n) - 0.7 ** n) < 1e-14, `${n}`)
  }
  const rows = [
    ['nothing ahead', { size: 2, before: 1, ahead: 0 }, 1, 0, 0],
    [
      '5,000 purchases a year, about as many to come',
      { size: 5_000, before: 365, ahead: 365 },
      5_000,
      0.49,
      0.51,
    ],
    ['half as many will do', { size: 5_000, before: 365, ahead: 365 }, 2_500, 1 - 1e-12, 1],
    ['twice as many will not come', { size: 5_000, before: 365, ahead: 365 }, 10_000, 0, 1e-12],
    ['a million, by the law of the rate', { size: 2, before: 1, ahead: 1e6 }, 2e6, 0.406, 0.4061],
    ['next to no history', { size: 1e-6, before: 1e-6, ahead: 1e6 }, 1, 0, 1e-3],
  ] as const
  for (const [what, counts, n, low, high] of rows) {
    const found = atLeast(counts, n)
    t.ok(found >= low && found <= high, `${what}: ${found}`)
  }
  const exact = atLeast({ size: 3, before: 1, ahead: 30_000 }, 99_999)
  const byRate = atLeast({ size: 3, before: 1, ahead: 30_000 }, 100_001)
  t.ok(Math.abs(exact - byRate) < 1e-4, `both ways meet: ${exact}, ${byRate}`)
  const walk = tails({ size: 4, before: 10, ahead: 30 })

  t.test('one walk serves sizes side by side, and sums to the mean far out', async (t) => {
    const weights = [0.1, 0.4, 0.2, 0.3]
    // the last ones have no mass at 0 that a double could show
    const laws = [
      { size: 2.5, before: 3, ahead: 0.001 },
      { size: 4, before: 10, ahead: 30 },
      { size: 119, before: 2.3, ahead: 3_000 },
      { size: 2_000, before: 50, ahead: 3_000 },
    ]
    for (const { size, before, ahead } of laws) {
      const name = `${size} ${before} ${ahead}`
      const mixed = mixedTails({ size, before, ahead }, weights)
      const each = weights.map((_, j) => tails({ size: size + j, before, ahead }))
      let worst = 0
      for (let n = weights.length; n < 2_000; n += 3) {
        const wanted = weights.reduce((sum, weight, j) => sum + weight * each[j]!(n - j), 0)
        worst = Math.max(worst, Math.abs(mixed(n) - wanted))
      }
      t.ok(worst < 1e-9, `${name}: off by ${worst}`)

      const tail = tails({ size, before, ahead })
      let mean = 0
      for (let n = 1, chance = tail(n); chance > 0; n += 1, chance = tail(n)) mean += chance
      t.ok(relative(mean, (size * ahead) / before) < 1e-9, `${name}: a mean of ${mean}`)
    }
    t.equal(mixedTails({ size: 3, before: 1, ahead: 0 }, weights)(4), 0, 'nothing comes of no time')
  })
  for (const n of [0, 1, 2, 9, 9, 40, 400]) t.equal(walk(n), atLeast({ size: 4, before: 10, ahead: 30 }, n))
})

const wide = { lower: [-50, -50], upper: [50, 50] }
const valley: Problem = { f: ([x = 0, y = 0]) => (1 - x) ** 2 + 100 * (y - x * x) ** 2, ...wide }

t.test('the least value', async (t) => {
  const cliff = ([x = 0, y = 0]: readonly number[]) => (x < 0 ? Number.NaN : x + (y - 2) ** 2 + 1 / (x + 0.1))
  const rows: readonly (readonly [string, Problem, readonly number[], readonly number[]])[] = [
    ["Rosenbrock's valley", valley, [-1.2, 1], [1, 1]],
    ['outside of the bounds', { ...valley, upper: [0.5, 50] }, [-1.2, 1], [0.5, 0.25]],
    ['beside a cliff', { f: cliff, ...wide }, [3, 9], [0.9, 2]],
    ['a start beyond the bounds', { ...valley, lower: [0, 0] }, [-7, -7], [1, 1]],
  ]
  for (const [what, problem, start, wanted] of rows) {
    const near = nelderMead(problem, start, 80)
    const found = polish(problem, near, null)
    t.ok(better(near, found) === found || near.value === found.value, `${what}: polishing never loses`)
    wanted.forEach((value, i) => {
      t.ok(Math.abs((found.at[i] ?? Number.NaN) - value) < 2e-3, `${what}: ${found.at}`)
    })
  }
})

t.test('curvature', async (t) => {
  const bowl = curvature(valley, { at: [1, 1], value: 0 })
  const wanted = [
    [802, -400],
    [-400, 200],
  ]
  bowl.forEach((row, i) => {
    row.forEach((value, j) => {
      t.ok(Math.abs(value - (wanted[i]?.[j] ?? 0)) < 0.1, `${i} ${j}: ${value}`)
    })
  })
  const inverse = inverseOfBowl([
    [4, 2],
    [2, 3],
  ])
  t.strictSame(
    inverse?.map((row) => row.map((value) => Math.round(value * 8 * 1e9) / 1e9)),
    [
      [3, -2],
      [-2, 4],
    ],
  )
  t.equal(
    inverseOfBowl([
      [1, 2],
      [2, 1],
    ]),
    null,
    'a saddle',
  )
  t.equal(
    inverseOfBowl([
      [1, 1],
      [1, 1],
    ]),
    null,
    'a trough',
  )
  t.equal(inverseOfBowl([[Number.NaN]]), null, 'no number')
})

t.test('sums of logarithms', async (t) => {
  t.equal(logAddExp(3, Number.NEGATIVE_INFINITY), 3)
  t.equal(logAddExp(-2_000, -2_000), -2_000 + Math.LN2)
  t.equal(logAddExp(800, 0), 800)
})

t.test('histories become cells', async (t) => {
  const cells = compress([
    { x: 2, tx: 5, T: 9 },
    { x: 0, tx: 0, T: 9 },
    { x: 2, tx: 5, T: 9 },
    { x: 2, tx: 5, T: 8 },
    { x: 0, tx: 7, T: 9 },
  ])
  t.strictSame(cells, [
    { x: 2, tx: 5, T: 9, count: 2 },
    { x: 0, tx: 0, T: 9, count: 2 },
    { x: 2, tx: 5, T: 8, count: 1 },
  ])
  t.strictSame(totalsOf(cells), { members: 5, purchases: 6, time: 44 })
  t.strictSame(tidyHistory({ x: 2.7, tx: 12, T: 10 }), { x: 2, tx: 12, T: 12 })
  t.strictSame(tidyHistory({ x: -1, tx: 4, T: Number.NaN }), { x: 0, tx: 0, T: 0 })
  const number = numbering()
  t.strictSame([5.5, 5.5, -1, 5.5, 0].map(number), [0, 0, 1, 0, 2])
})
