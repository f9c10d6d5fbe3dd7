/**
 * The season of a program in its second year: found where there is one, and not made up of a level that
 * drifts, of first members who fade, or of chance; a closure is none of its own.
 */
import t from 'tap'
import { upTo } from '../../src/retention/backtest.ts'
import { buildClock } from '../../src/retention/clock.ts'
import { type Weeks, yearlySeason } from '../../src/retention/season.ts'
import { randomNumbers, simulate, usualPlan } from '../../src/retention/simulation.ts'

const YEAR = 52
const MEMBERS_DAYS = 7_000

/** Weeks of about 500 purchases, at the rate of each week and with the noise of chance. */
function weeksOf(count: number, rate: (week: number) => number, seed = 3): Weeks {
  const random = randomNumbers(seed)
  const noise = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const exposed = new Float64Array(count).fill(MEMBERS_DAYS)
  const bought = exposed.map((days, week) => {
    const mean = 0.07 * days * rate(week)
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * noise()))
  })
  return { bought, exposed, age: Float64Array.from({ length: count }, (_, week) => 7 * week) }
}

const wave = (week: number) => 1 + 0.25 * Math.sin((2 * Math.PI * week) / YEAR)
const two = (week: number) => Math.exp(0.2 * Math.cos((2 * Math.PI * (week - 4)) / (YEAR / 2)))
const fading = (week: number) => 0.5 + Math.exp(-week / 12)
const jumping = (week: number) => (week > 30 ? 1.5 : 1)
const swelling = (week: number) => Math.exp(0.008 * week)

// Each row: a program, its weeks, the rate of its members, the season in it, and how far off it may be found.
const rows: readonly (readonly [
  string,
  number,
  (week: number) => number,
  (week: number) => number,
  number,
])[] = [
  ['a wave, one year', 53, wave, wave, 0.08],
  ['a wave, a year and a quarter', 65, wave, wave, 0.06],
  ['a wave, a year and a half', 78, wave, wave, 0.06],
  ['two waves a year', 78, two, two, 0.06],
  ['a wave under a level that rises', 90, (week) => wave(week) * swelling(week), wave, 0.08],
  ['no season', 65, () => 1, () => 1, 0.05],
  ['a level that rises', 70, swelling, () => 1, 0.05],
  ['first members who fade', 65, fading, () => 1, 0.1],
  ['a level that jumps', 65, jumping, () => 1, 0.1],
  ['less than a year', 51, wave, () => 1, 0],
]

t.test('a season is told from a level', async (t) => {
  for (const [title, count, rate, season, allowed] of rows) {
    const found = yearlySeason(weeksOf(count, rate))
    const mean = (of: (week: number) => number) =>
      found.reduce((sum, _, week) => sum + of(week), 0) / found.length
    const scale = mean(season) / mean((week) => found[week]!)
    const off = Math.max(...found.map((value, week) => Math.abs((value * scale) / season(week) - 1)))
    t.ok(off <= allowed, `${title}: ${off.toFixed(3)} off`)
  }
})

t.test('a season of chance is hardly ever found', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const found = yearlySeason(weeksOf(70, () => 1, seed))
    const off = Math.max(...found.map((value) => Math.abs(value - 1)))
    t.ok(off < 0.08, `seed ${seed}: ${off}`)
  }
})

t.test('few purchases, none, one week: no season, and no harm', async (t) => {
  for (const count of [0, 1, 200]) {
    for (const bought of [0, 1]) {
      const weeks = {
        bought: new Float64Array(count).fill(bought),
        exposed: new Float64Array(count),
        age: new Float64Array(count),
      }
      t.ok(yearlySeason(weeks).every((value) => value === 1))
    }
  }
})

t.test('the clock of a program in its second year runs with its trade', async (t) => {
  const { purchases, plan } = simulate({ ...usualPlan, members: 800 })
  const trade = (day: number) => {
    const isClosed = plan.closures.some(([first, last]) => first <= day && day <= last)
    return isClosed ? 0 : 1 + plan.season * Math.sin((2 * Math.PI * day) / 364)
  }
  for (const asOf of [392, 455, 518, 574, 616]) {
    const clock = buildClock(upTo(purchases, asOf), asOf)
    for (const weeks of [4, 12]) {
      let passed = 0
      for (let day = asOf - 7 * weeks + 1; day <= asOf; day++) passed += trade(day)
      const ratio = (clock.at(asOf) - clock.at(asOf - 7 * weeks)) / passed
      t.ok(Math.abs(ratio - 1) < 0.12, `${weeks} weeks up to day ${asOf}: ${ratio.toFixed(3)} of what passed`)
    }
  }
})
