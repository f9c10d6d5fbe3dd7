/**
 * Programs of every kind under one configuration: nowhere are scores clearly worse than days of silence, chances
 * hold, and few flags are false. And the level of chances, which cuts that disagree may not move far.
 */
import t from 'tap'
import { backtest } from '../../src/retention/backtest.ts'
import { levelOf } from '../../src/retention/level.ts'
import { stateOf } from '../../src/retention/state.ts'
import { hasRate, teachesRate } from '../../src/retention/targets.ts'
import { madeProgram, type ProgramKind } from '../support/programs.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(900_000)

const usual = { members: 900, days: 720, gap: 25, spread: 0.7, shape: 1.3, stays: 400 } as const

// Each row: what is unusual about the program, and the horizon; it is cut so that the horizon ends it.
const programs: readonly (readonly [string, ProgramKind, number])[] = [
  [
    'weekly subscriptions',
    { ...usual, members: 500, days: 420, gap: 7, spread: 0.05, shape: 50, joins: 'steadily' },
    90,
  ],
  ['bought in bursts', { ...usual, shape: 0.4, stays: 500, joins: 'steadily' }, 120],
  [
    'closed for two months and for six weeks',
    {
      ...usual,
      gap: 20,
      joins: 'steadily',
      closed: [
        [250, 310],
        [480, 520],
      ],
    },
    120,
  ],
  [
    'growing, amounts not known',
    { ...usual, members: 2_000, stays: 250, joins: 'ever more', amounts: false },
    120,
  ],
  ['nobody leaves', { ...usual, stays: 1e9, joins: 'steadily' }, 120],
  ['half of them slow down', { ...usual, gap: 15, stays: 3_000, joins: 'at once', slows: 0.5 }, 120],
  ['two hundred members', { ...usual, members: 200, joins: 'steadily' }, 120],
]

t.test('nowhere clearly worse than days of silence', async (t) => {
  for (const [title, kind, horizonDays] of programs) {
    const { lapse, decline, flags } = backtest(madeProgram(kind, 7), {
      asOf: kind.days - horizonDays,
      horizonDays,
    })
    for (const [name, { members, methods, rate }] of Object.entries({ lapse, decline })) {
      const [ours, silence] = methods
      if (ours?.auc == null || silence?.auc == null || rate === null) continue
      // Two methods on the same members differ by chance; one standard error of the area is let pass.
      const chance = 1 / Math.sqrt(12 * members * rate * (1 - rate))
      t.ok(ours.auc >= silence.auc - chance, `${title}, ${name}: ${ours.auc} beside ${silence.auc}`)
      const noise = Math.sqrt((2 / Math.PI) * ((10 * rate * (1 - rate)) / members))
      t.ok(ours.calibration! < 0.08 + noise, `${title}, ${name}: chances are ${ours.calibration} off`)
    }
    const { flagged, falseShare } = flags.gone_quiet
    const wrong = flagged * (falseShare ?? 0)
    t.ok(wrong <= 2 + 0.1 * flagged, `${title}: ${wrong} of ${flagged} flags are false`)
  }
})

const cut = (said: number, came: number, members = 400) => ({
  odds: new Float64Array(members).fill(Math.log(said / (1 - said))),
  labels: Uint8Array.from({ length: members }, (_, i) => (i < came * members ? 1 : 0)),
  weight: 1,
})

t.test('the level of chances over cuts', async (t) => {
  t.equal(levelOf([]), 0)
  t.ok(Math.abs(levelOf([cut(0.3, 0.3), cut(0.3, 0.3)])) < 0.01, 'what came true needs no shift')
  const one = levelOf([cut(0.3, 0.5)])
  const four = levelOf([cut(0.3, 0.5), cut(0.3, 0.5), cut(0.3, 0.5), cut(0.3, 0.5)])
  const full = Math.log(0.5 / 0.5) - Math.log(0.3 / 0.7)
  t.ok(one > 0.2 && one < 0.5 * full, `one cut is one observation: ${one} of ${full}`)
  t.ok(four > one && four < full, `cuts that agree say more: ${four}`)
  const apart = levelOf([cut(0.3, 0.1), cut(0.3, 0.9), cut(0.3, 0.1), cut(0.3, 0.9)])
  t.ok(Math.abs(apart) < 0.2, `cuts that disagree say little: ${apart}`)
  t.ok(Number.isFinite(levelOf([cut(0.3, 1), cut(0.001, 0, 5), cut(0.999, 1, 4)])))
})

t.test('who may be asked about a decline also teaches it, and some others do', async (t) => {
  const window = { asOf: 400, horizonDays: 120 }
  const days = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 20 })
  let [asked, more] = [0, 0]
  fc.assert(
    fc.property(days, (bought) => {
      const state = stateOf(bought.toSorted((a, b) => a - b).map((day) => ({ day, cents: 100 })))
      const [isAsked, teaches] = [hasRate(state, window), teachesRate(state, window)]
      if (isAsked) asked++
      else if (teaches) more++
      return teaches || !isAsked
    }),
    { numRuns: runs(300), seed: 6 },
  )
  t.ok(asked > 10 && more > 10, `${asked} are asked, ${more} more teach`)
})
