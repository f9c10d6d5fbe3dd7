/**
 * What must hold of every model and every member: chances are chances, longer silence never makes silence less
 * likely, the ways to ask one thing agree, and no data, however odd, make a fit fail.
 */
import t from 'tap'
import { type Cell, compress, type History } from '../../src/retention/cell.ts'
import { lawOf, type ModelName, type Parameters } from '../../src/retention/family.ts'
import { aliveNow, logLikelihood, logLikelihoodOfTable, tabulate } from '../../src/retention/law.ts'
import { discountedExpected } from '../../src/retention/lifetime.ts'
import { type FittedModel, fitModels, modelOf } from '../../src/retention/model.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(600_000)

const size = (least: number, most: number) =>
  fc.double({ min: Math.log(least), max: Math.log(most), noNaN: true }).map(Math.exp)

interface Asked {
  readonly name: ModelName
  readonly parameters: Parameters
}

/** Any of the laws, with parameters as wild as a fit may end with. */
const anyLaw = (steps: fc.Arbitrary<number>): fc.Arbitrary<Asked> =>
  fc
    .record({
      name: fc.constantFrom<ModelName>('nbd', 'bg_nbd', 'mbg_cnbd_k', 'pareto_nbd'),
      r: size(1e-2, 100),
      alpha: size(1e-2, 1_000),
      a: size(1e-2, 100),
      b: size(1e-2, 1_000),
      s: size(1e-2, 30),
      beta: size(1e-1, 3_000),
      k: steps,
    })
    .map(({ name, ...parameters }) => ({ name, parameters }))

const anyMember: fc.Arbitrary<History> = fc
  .record({ x: fc.nat(300), share: fc.double({ min: 0, max: 1, noNaN: true }), T: size(0.1, 400) })
  .map(({ x, share, T }) => ({ x, tx: x === 0 ? 0 : share * T, T }))

const anyHorizon = size(0.1, 200)

function modelFor({ name, parameters }: Asked): FittedModel {
  return modelOf({ name, parameters, logLikelihood: 0, bic: 0, dropoutIdentified: true })
}

const oneStep = fc.constant(1)
const steps = fc.integer({ min: 1, max: 6 })
const many = { numRuns: runs(400) }
// Sums of many small chances: what is said to rise may fall by this much.
const SLACK = 1e-9

t.test('chances are chances, and counts are finite', async () => {
  const members = fc.oneof(
    anyMember,
    fc.constantFrom({ x: 5_000, tx: 360, T: 365 }, { x: 0, tx: 0, T: 0 }, { x: 3, tx: 0, T: 0 }),
  )
  fc.assert(
    fc.property(anyLaw(steps), members, anyHorizon, fc.nat(50), (asked, member, h, most) => {
      const model = modelFor(asked)
      const alive = model.pAlive(member)
      const chances = [model.pSilent(member, h), model.pAtMost(member, h, most), alive ?? 0]
      const counts = [
        model.expected(member, h),
        Math.abs(logLikelihood(lawOf(asked.name, asked.parameters), member)),
      ]
      return chances.every((p) => p >= 0 && p <= 1) && counts.every((n) => n >= 0 && Number.isFinite(n))
    }),
    many,
  )
})

t.test('longer silence never makes silence less likely', async () => {
  // With k above 1 it may: who buys like a clock is more likely to buy as the time of the next purchase comes.
  fc.assert(
    fc.property(anyLaw(oneStep), anyMember, anyHorizon, size(0.1, 100), (asked, member, h, longer) => {
      fc.pre(member.x >= 1)
      const { pSilent } = modelFor(asked)
      const later = pSilent({ ...member, T: member.T + longer }, h)
      const earlier = pSilent({ ...member, tx: member.tx / 2 }, h)
      return later >= pSilent(member, h) - SLACK && earlier >= pSilent(member, h) - SLACK
    }),
    many,
  )
})

t.test('a longer horizon makes silence less likely, and a higher count more', async () => {
  fc.assert(
    fc.property(anyLaw(steps), anyMember, anyHorizon, fc.nat(20), (asked, member, h, most) => {
      const { pSilent, pAtMost, expected } = modelFor(asked)
      return (
        pSilent(member, h * 1.5) <= pSilent(member, h) + SLACK &&
        pAtMost(member, h * 1.5, most) <= pAtMost(member, h, most) + SLACK &&
        pAtMost(member, h, most) <= pAtMost(member, h, most + 1) + SLACK &&
        expected(member, h * 1.5) >= expected(member, h) * (1 - SLACK)
      )
    }),
    many,
  )
})

t.test('silence by the ratio of likelihoods is silence by the law of counts', async () => {
  fc.assert(
    fc.property(anyLaw(steps), anyMember, anyHorizon, (asked, member, h) => {
      const law = lawOf(asked.name, asked.parameters)
      const then = logLikelihood(law, { ...member, T: member.T + h })
      const ratio = Math.exp(then - logLikelihood(law, member))
      const counted = 1 - aliveNow(law, member) * law.moreIfAlive(member, h, 0)
      const { pSilent } = modelFor(asked)
      return Math.abs(ratio - counted) < 1e-7 && Math.abs(ratio - pSilent(member, h)) < 1e-7
    }),
    many,
  )
})

t.test('what is expected is the sum of the chances of each further purchase', async () => {
  fc.assert(
    fc.property(anyLaw(steps), anyMember, size(0.1, 30), (asked, member, h) => {
      const { pAtMost, expected } = modelFor(asked)
      const claimed = expected(member, h)
      fc.pre(claimed < 20)
      let [sum, beyond] = [0, 1]
      for (let m = 0; m < 3_000 && beyond > 1e-9; m++) {
        beyond = 1 - pAtMost(member, h, m)
        sum += beyond
      }
      fc.pre(beyond <= 1e-9)
      return Math.abs(sum - claimed) < 1e-5 * (1 + claimed)
    }),
    many,
  )
})

t.test('the fit counts every member as the law does', async (t) => {
  const members = fc.sample(anyMember, 200)
  const cells = compress([...members, ...members.slice(0, 50)])
  t.equal(cells.length, new Set(members.map((member) => JSON.stringify(member))).size)
  for (const { name, parameters } of fc.sample(anyLaw(steps), 50)) {
    const law = lawOf(name, parameters)
    const one = cells.reduce((sum, cell) => sum + cell.count * logLikelihood(law, cell), 0)
    const table = logLikelihoodOfTable(law, tabulate(cells))
    t.ok(Math.abs(one - table) <= 1e-9 * Math.abs(one), `${name}: ${table} is ${one}`)
  }
})

const times = <Item>(count: number, item: (i: number) => Item): Item[] =>
  Array.from({ length: count }, (_, i) => item(i))

// What a fit may be given; the model that comes of it, or why it is the prior; P(silent) in 26 of the last member.
const odd: readonly (readonly [string, readonly History[], string, readonly [number, number]])[] = [
  ['no members', [], 'too_few_members', [0, 1]],
  ['one member', [{ x: 3, tx: 20, T: 30 }], 'too_few_members', [0, 0.5]],
  ['one purchase each', times(500, () => ({ x: 0, tx: 0, T: 40 })), 'too_few_purchases', [0.99, 1]],
  ['all joined today', times(500, () => ({ x: 0, tx: 0, T: 0 })), 'too_few_purchases', [0, 1]],
  ['two purchases in no time', times(500, () => ({ x: 1, tx: 0, T: 0 })), 'no_time', [0, 1]],
  ['all equal', times(500, () => ({ x: 3, tx: 20, T: 30 })), 'fitted', [0, 1]],
  ['every day', times(500, () => ({ x: 364, tx: 364, T: 364 })), 'fitted', [0, 0.01]],
  [
    '5,000 purchases',
    [...times(100, (i) => ({ x: i % 4, tx: i % 4, T: 50 })), { x: 5_000, tx: 50, T: 50 }],
    'fitted',
    [0, 0.1],
  ],
  [
    'a week old',
    times(300, (i) => ({ x: i % 3 === 0 ? 1 : 0, tx: i % 3 === 0 ? 4 : 0, T: 1 + (i % 7) })),
    'fitted',
    [0, 1],
  ],
  [
    'unreadable numbers',
    times(60, (i) => ({ x: i % 3, tx: i % 2 ? -4 : Number.NaN, T: i % 5 ? 30 : Number.POSITIVE_INFINITY })),
    'fitted',
    [0, 1],
  ],
  ['later than the end', times(60, (i) => ({ x: 1 + (i % 3), tx: 40, T: 30 + (i % 5) })), 'fitted', [0, 1]],
  ['fractions', times(60, (i) => ({ x: 0.5 + (i % 4), tx: 9.5, T: 30.25 + i })), 'fitted', [0, 1]],
]

t.test('odd data', async (t) => {
  for (const [what, histories, comes, [low, high]] of odd) {
    const { best, all, fallback } = fitModels(compress(histories))
    t.equal(fallback ?? 'fitted', comes, what)
    const member = histories.at(-1) ?? { x: 0, tx: 0, T: 0 }
    for (const model of all) {
      const { pSilent, pAtMost, expected, pAlive, logLikelihood, bic, parameters } = model
      const chances = [pSilent(member, 26), pAtMost(member, 26, 3), pAlive(member) ?? 0]
      t.ok(
        chances.every((p) => p >= 0 && p <= 1),
        `${what}, ${model.name}: ${chances}`,
      )
      const numbers = [expected(member, 26), discountedExpected(model, member, 0.003), logLikelihood, bic]
      const finite = [...numbers, ...Object.values(parameters)].every(Number.isFinite)
      t.ok(finite, `${what}, ${model.name}: ${numbers} with ${JSON.stringify(parameters)}`)
    }
    const silent = best.pSilent(member, 26)
    t.ok(silent >= low && silent <= high, `${what}: silent ${silent}`)
    t.equal(best, all[0], 'the best is the first')
  }
})

t.test('odd questions to a fitted model', async (t) => {
  const { best } = fitModels(compress(times(200, (i) => ({ x: i % 6, tx: 6 * (i % 6), T: 40 + (i % 9) }))))
  const member = { x: 2, tx: 20, T: 40 }
  t.equal(best.pSilent(member, 0), 1, 'no time, no purchase')
  t.equal(best.pSilent(member, -3), 1)
  t.equal(best.pSilent(member, Number.NaN), 1)
  t.equal(best.pAtMost(member, 26, -1), 0)
  t.equal(best.pAtMost(member, 26, 0), best.pSilent(member, 26))
  t.equal(best.pAtMost(member, 26, 0.9), best.pSilent(member, 26))
  t.ok(best.pAtMost(member, 26, 1e9) >= 1 - 1e-9)
  t.ok(best.pSilent(member, Number.POSITIVE_INFINITY) >= 0)
  t.equal(best.expected(member, 0), 0)
})

t.test('a kept record answers as the fit did', async (t) => {
  const cells: Cell[] = compress(times(400, (i) => ({ x: i % 6, tx: 5 * (i % 6), T: 30 + (i % 40) })))
  const { best } = fitModels(cells)
  const again = modelOf(JSON.parse(JSON.stringify(best)))
  for (const member of cells.slice(0, 20)) {
    t.equal(again.pSilent(member, 26), best.pSilent(member, 26))
    t.equal(again.pAlive(member), best.pAlive(member))
  }
  t.strictSame(fitModels([...cells].reverse()).best.name, best.name, 'the order of the cells is nothing')
})
