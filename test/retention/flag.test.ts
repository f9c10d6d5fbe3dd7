/** Flags of one run: the false discovery rate, the foretold share of false ones, and that nobody flickers. */
import t from 'tap'
import { cautionOf, missesOver } from '../../src/retention/caution.ts'
import { columns } from '../../src/retention/features.ts'
import { chanceByShare, decideFlags, evidenceByRank, thresholdByRank } from '../../src/retention/flag.ts'
import { Lessons } from '../../src/retention/judge.ts'

// Each row: p values and the largest that is flagged at q = 0.1.
const ranked: readonly (readonly [readonly number[], number])[] = [
  [[], -1],
  [[0.2, 0.5, 0.9], -1],
  [[0.03, 0.5, 0.9], 0.03], // 0.1 / 3
  [[0.04, 0.5, 0.9], -1],
  [[0.04, 0.06, 0.9], 0.06], // the second carries the first: 0.2 / 3
  [[0, 0, 0, 1], 0],
]

t.test('Benjamini and Hochberg', async (t) => {
  for (const [values, expected] of ranked) t.equal(thresholdByRank(Float64Array.from(values), 0.1), expected)
})

// Each row: evidence and the least that is flagged at q = 0.1.
const evidence: readonly (readonly [readonly number[], number])[] = [
  [[], Number.POSITIVE_INFINITY],
  [[9, 1, 1], Number.POSITIVE_INFINITY],
  [[30, 1, 1], 30],
  [[15, 15, 1], 15], // 3 / 0.2
  [[1e12, 0, 0, 0], 1e12],
]

t.test('the same for evidence', async (t) => {
  for (const [values, expected] of evidence) t.equal(evidenceByRank(Float64Array.from(values), 0.1), expected)
})

// Each row: chances and the least that is flagged, so that 0.1 of the flags are foretold to be false.
const shares: readonly (readonly [readonly number[], number])[] = [
  [[], Number.POSITIVE_INFINITY],
  [[0.89], Number.POSITIVE_INFINITY],
  [[0.99, 0.85], 0.85],
  [[0.99, 0.8], 0.99],
]

t.test('the foretold share', async (t) => {
  for (const [chances, expected] of shares) t.equal(chanceByShare(Float64Array.from(chances), 0.1), expected)
})

interface Run {
  readonly before?: 'gone_quiet' | null
  readonly doubt?: number
}

const one = (quietP: number, silent: number, { before = null, doubt = 0 }: Run = {}) =>
  decideFlags({
    quietP: Float64Array.of(quietP),
    slowE: Float64Array.of(Number.NaN),
    silent: Float64Array.of(silent),
    decline: Float64Array.of(silent),
    caution: { times: { gone_quiet: 1, buying_less: 1 }, doubt },
    before: () => before,
  })[0]

t.test('a flag stays until it clears by a margin', async (t) => {
  t.equal(one(0.02, 0.95), 'gone_quiet')
  t.equal(one(0.02, 0.8), null, 'not likely enough to be flagged')
  t.equal(one(0.02, 0.8, { before: 'gone_quiet' }), 'gone_quiet', 'but to stay so')
  t.equal(one(0.02, 0.6, { before: 'gone_quiet' }), null)
  t.equal(one(0.5, 0.95, { before: 'gone_quiet' }), null)
  t.equal(one(Number.NaN, 0.99, { before: 'gone_quiet' }), null, 'who may not be flagged is not')
})

t.test('a season that was not seen is doubted', async (t) => {
  t.equal(one(0.02, 0.92), 'gone_quiet')
  t.equal(one(0.02, 0.92, { doubt: 0.4 }), null)
  t.equal(one(0.02, 0.95, { doubt: 0.4 }), 'gone_quiet', 'odds of 19, less a third')
})

const year = { firstDay: 0, horizonDays: 100, taught: 100, misses: { gone_quiet: 1, buying_less: 1 } }

// Each row: the day of the run, what share of the days ahead had no year before, and the doubt.
const seasons: readonly (readonly [number, number])[] = [
  [100, 0.4],
  [264, 0.4],
  [314, 0.2],
  [364, 0],
  [900, 0],
]

t.test('caution: misses at earlier cuts, how far ahead, and the season', async (t) => {
  for (const [asOf, doubt] of seasons)
    t.equal(cautionOf({ ...year, asOf }).doubt.toFixed(6), doubt.toFixed(6))
  const { times } = cautionOf({ ...year, asOf: 900 })
  t.strictSame(times, { gone_quiet: 2, buying_less: 1.5 })
  const further = cautionOf({ ...year, asOf: 900, taught: 50, misses: { gone_quiet: 1.5, buying_less: 0.5 } })
  t.strictSame(further.times, { gone_quiet: 6, buying_less: 1.5 })
  t.strictSame(cautionOf({ ...year, asOf: 900, taught: null }).times, { gone_quiet: 4, buying_less: 4 })
})

/** A cut whose members all have the same chance, `came` of whom were misses. */
function cutOf(horizonDays: number, members: number, came: number) {
  const lessons = new Lessons({ day: 0, horizonDays, weight: 1 })
  const features = new Float64Array(columns.length)
  for (let i = 0; i < members; i++) lessons.add(features, i >= came)
  return { lessons, places: Array.from({ length: members }, (_, i) => i) }
}

const judge = (chance: number) => ({ learnt: null, slope: 1, intercept: Math.log(chance / (1 - chance)) })

// Each row: chance, cuts (horizon, members, misses), misses over those foretold; two of each are believed in.
const missed: readonly (readonly [number, readonly (readonly [number, number, number])[], number])[] = [
  [0.9, [], 1],
  [0.9, [[90, 100, 10]], 1],
  [0.9, [[90, 100, 22]], 2],
  [0.9, [[90, 100, 4]], 0.5],
  [
    0.9,
    [
      [90, 100, 10],
      [90, 100, 32],
    ],
    2,
  ],
  [
    0.9,
    [
      [90, 100, 10],
      [30, 100, 99],
    ],
    1,
  ], // a shorter horizon teaches nothing
  [0.7, [[90, 100, 99]], 1], // nobody is likely enough
]

t.test('misses over those foretold', async (t) => {
  for (const [chance, cuts, expected] of missed) {
    const found = missesOver(
      cuts.map(([horizon, members, came]) => cutOf(horizon, members, came)),
      judge(chance),
    )
    t.equal(found.toFixed(6), expected.toFixed(6), JSON.stringify(cuts))
  }
})
