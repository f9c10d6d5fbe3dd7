/** Measures of chances once the truth is known: what they are where anybody can reckon, and where they mean nothing. */
import t from 'tap'
import {
  areaUnderCurve,
  calibrationByChance,
  calibrationError,
  precisionAtTop,
} from '../../src/retention/measure.ts'
import { randomNumbers } from '../../src/retention/simulation.ts'

// Each row: scores, truths, the area under the curve.
const areas: readonly (readonly [number[], number[], number | null])[] = [
  [[0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1],
  [[0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0],
  [[0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1], 0.5],
  [[0.1, 0.6, 0.4, 0.9], [0, 0, 1, 1], 0.75],
  [[0.1, 0.2], [1, 1], null],
  [[], [], null],
]

t.test('ranking', async (t) => {
  for (const [scores, truths, area] of areas) t.equal(areaUnderCurve({ scores, truths }), area)
  t.equal(precisionAtTop({ scores: areas[0]![0], truths: areas[0]![1] }, 0.5), 1)
  t.equal(precisionAtTop({ scores: [0.5], truths: [1] }), null, 'a tenth of one is nobody')
})

t.test('calibration, and what of it is chance', async (t) => {
  t.equal(calibrationError({ scores: [], truths: [] }), null)
  t.equal(calibrationByChance({ scores: [], truths: [] }), null)
  t.equal(
    calibrationByChance({ scores: [0, 1, 1], truths: [0, 1, 1] }),
    0,
    'the certain leave nothing to chance',
  )
  const far = { scores: Array.from({ length: 40 }, () => 0.9), truths: Array.from({ length: 40 }, () => 0) }
  t.ok(Math.abs(calibrationError(far)! - 0.9) < 1e-12)
  // Chances that are exactly right: what the error is on average is what is foretold.
  const random = randomNumbers(8)
  for (const members of [120, 500, 2_000]) {
    const scores = Array.from({ length: members }, random)
    const rounds = 200
    let sum = 0
    for (let round = 0; round < rounds; round++) {
      sum += calibrationError({ scores, truths: scores.map((chance) => random() < chance) })! / rounds
    }
    const foretold = calibrationByChance({ scores, truths: [] })!
    t.ok(Math.abs(sum / foretold - 1) < 0.08, `${members} members: ${sum} where ${foretold} is foretold`)
  }
})
