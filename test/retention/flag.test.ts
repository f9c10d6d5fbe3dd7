/** Flags of one run: the false discovery rate, the foretold share of false ones, and that nobody flickers. */
import t from 'tap'
import { chanceByShare, decideFlags, evidenceByRank, thresholdByRank } from '../../src/retention/flag.ts'

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

const one = (quietP: number, silent: number, before: 'gone_quiet' | null) =>
  decideFlags({
    quietP: Float64Array.of(quietP),
    slowE: Float64Array.of(Number.NaN),
    silent: Float64Array.of(silent),
    decline: Float64Array.of(silent),
    caution: 1,
    before: () => before,
  })[0]

t.test('a flag stays until it clears by a margin', async (t) => {
  t.equal(one(0.02, 0.95, null), 'gone_quiet')
  t.equal(one(0.02, 0.8, null), null, 'not likely enough to be flagged')
  t.equal(one(0.02, 0.8, 'gone_quiet'), 'gone_quiet', 'but to stay so')
  t.equal(one(0.02, 0.6, 'gone_quiet'), null)
  t.equal(one(0.5, 0.95, 'gone_quiet'), null)
  t.equal(one(Number.NaN, 0.99, 'gone_quiet'), null, 'who may not be flagged is not')
})
