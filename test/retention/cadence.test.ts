/** The rhythm's law: the incomplete beta function, survival of a silence, and that silence never looks better. */
import t from 'tap'
import { incompleteBeta, logIncompleteBeta } from '../../src/retention/beta.ts'
import { atMostOdds, type GapLaw, logSurvivalOf, shapeOf, silentOdds } from '../../src/retention/cadence.ts'
import { fc, runs } from '../support/property.ts'

// Each row: x, a, b and I_x(a, b), from its closed forms (DLMF 8.17).
const values: readonly (readonly [number, number, number, number])[] = [
  [0.3, 1, 1, 0.3],
  [0.3, 2, 1, 0.09],
  [0.3, 1, 2, 1 - 0.7 ** 2],
  [0.5, 7.3, 7.3, 0.5],
  [0.25, 0.5, 0.5, 1 / 3],
  [0.6, 2, 3, 0.8208],
  [0, 2, 3, 0],
  [1, 2, 3, 1],
  [2, 2, 3, 1],
]

t.test('the incomplete beta function', async (t) => {
  for (const [x, a, b, expected] of values) {
    t.ok(Math.abs(incompleteBeta(x, a, b) - expected) < 1e-10, `I_${x}(${a}, ${b})`)
  }
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      fc.double({ min: 0.1, max: 400, noNaN: true }),
      fc.double({ min: 0.1, max: 400, noNaN: true }),
      (x, a, b) => {
        const value = incompleteBeta(x, a, b)
        t.ok(Math.abs(value + incompleteBeta(1 - x, b, a) - 1) < 1e-8)
        if (value > 1e-200) t.ok(Math.abs(logIncompleteBeta(x, a, b) - Math.log(value)) < 1e-6)
      },
    ),
    { numRuns: runs(300) },
  )
})

t.test('the shape of gaps', async (t) => {
  t.equal(shapeOf(0), 12, 'like clockwork')
  t.equal(shapeOf(5), 0.7, 'in bursts')
  // ln k - digamma(k) of an exponential law is Euler's constant.
  t.ok(Math.abs(shapeOf(0.5772156649) - 1) < 0.02, 'by chance')
})

const laws = fc
  .record({
    shape: fc.double({ min: 0.7, max: 12, noNaN: true }),
    gaps: fc.integer({ min: 0, max: 400 }),
    mean: fc.double({ min: 1, max: 300, noNaN: true }),
    prior: fc.double({ min: 0.2, max: 20, noNaN: true }),
    rate: fc.double({ min: 1, max: 2_000, noNaN: true }),
  })
  .map(({ shape, gaps, mean, prior, rate }): GapLaw => {
    return { shape, a: prior + shape * gaps, b: rate + shape * gaps * mean }
  })

t.test('chances are chances, and grow with silence', async (t) => {
  fc.assert(
    fc.property(
      laws,
      fc.double({ min: 1, max: 2_000, noNaN: true }),
      fc.double({ min: 0.001, max: 0.95, noNaN: true }),
      fc.integer({ min: 0, max: 60 }),
      (law, horizon, leaves, most) => {
        let [before, fewBefore] = [0, 0]
        for (const silence of [0, 1, 3, 8, 20, 50, 120, 300, 900, 3_000, 1e6]) {
          const logSurvival = logSurvivalOf(law, silence)
          const question = { silence, horizon, leaves, logSurvival }
          const silent = silentOdds(law, question)
          const few = atMostOdds(law, { ...question, most })
          t.ok(silent >= 0 && silent <= 1 && few >= 0 && few <= 1 + 1e-12)
          t.ok(silent >= before - 1e-9, `${silent} after ${before}`)
          t.ok(few >= fewBefore - 1e-9)
          before = silent
          fewBefore = few
        }
      },
    ),
    { numRuns: runs(300) },
  )
})
