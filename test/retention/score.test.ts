/**
 * Scores of whole programs: blind to the future, rising with silence, finite for whatever comes, quiet where
 * nothing changes, and in sentences whose numbers are the stored ones.
 */
import t from 'tap'
import { stateAt } from '../../src/retention/cuts.ts'
import { type Learnt, learn } from '../../src/retention/learn.ts'
import { dispersionOf, lifetimeValue, rfmBounds, rfmOf } from '../../src/retention/profile.ts'
import { PurchaseCollector, type PurchaseRow, type Purchases } from '../../src/retention/purchases.ts'
import { createScorer, type Scores, scoreAll } from '../../src/retention/score.ts'
import { randomNumbers, simulate, usualPlan } from '../../src/retention/simulation.ts'
import { stateOf } from '../../src/retention/state.ts'
import { NO_TIES, redeem, tie } from '../../src/retention/ties.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(900_000)

const window = { asOf: 600, horizonDays: 120 }
const small = { ...usualPlan, members: 300 }

function collected(rows: Iterable<PurchaseRow>, through: number): Purchases {
  const collector = new PurchaseCollector(through)
  for (const row of rows) collector.add(row)
  return collector.finish()
}

function rowsOf({ memberIds, starts, days, cents }: Purchases): PurchaseRow[] {
  return memberIds.flatMap((memberId, member) =>
    Array.from({ length: starts[member + 1]! - starts[member]! }, (_, i) => {
      const at = starts[member]! + i
      return { memberId, day: days[at]!, cents: cents[at]! }
    }),
  )
}

function scored(purchases: Purchases, { asOf, horizonDays } = window): { learnt: Learnt; scores: Scores } {
  const learnt = learn(purchases, { asOf, horizonDays })
  const members = { count: purchases.memberIds.length, state: (i: number) => stateAt(purchases, i, asOf)! }
  return { learnt, scores: scoreAll(members, learnt) }
}

const all = rowsOf(simulate(small).purchases)
const known = collected(all, window.asOf)
const { learnt, scores } = scored(known)

t.test('nothing after the day is read, and the order of rows changes nothing', async (t) => {
  const random = randomNumbers(5)
  const other = all.map((row) => {
    if (row.day <= window.asOf) return row
    return { ...row, day: window.asOf + 1 + Math.floor(random() * 500), cents: Math.floor(random() * 1e6) }
  })
  const strangers = Array.from({ length: 50 }, (_, i) => ({ memberId: `later-${i}`, day: 601, cents: 1 }))
  const shuffled = [...other, ...strangers]
    .map((row) => ({ row, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ row }) => row)
  const again = scored(collected(shuffled, window.asOf)).scores
  t.strictSame(again, scores)
})

t.test('a longer silence never lowers the chance of silence', async (t) => {
  // On a steady clock: moved through a season, the gaps themselves would change, and not all else be equal.
  const clock = { ...learnt.clock, at: (day: number) => day, ahead: (_: number, days: number) => days }
  const scorer = createScorer({ ...learnt, clock })
  const gaps = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 0, maxLength: 30 })
  const monies = fc.integer({ min: 0, max: 20_000 })
  fc.assert(
    fc.property(gaps, monies, (steps, cents) => {
      let [before, day] = [0, 0]
      const days = [0, ...steps.map((gap) => (day += gap))]
      for (const silence of [0, 1, 2, 5, 9, 14, 21, 30, 45, 60, 90, 150, 250, 400]) {
        const shift = window.asOf - silence - days.at(-1)!
        const { silent } = scorer.score(stateOf(days.map((each) => ({ day: each + shift, cents }))))
        t.ok(silent >= before - 1e-9, `${silent} after ${before}, silent for ${silence} days`)
        before = silent
      }
    }),
    { numRuns: runs(60) },
  )
})

const daily = (memberId: string, count: number, from = 0): PurchaseRow[] =>
  Array.from({ length: count }, (_, i) => ({ memberId, day: from + i, cents: 500 }))
const clones = (count: number, days: readonly number[]): PurchaseRow[] =>
  Array.from({ length: count }, (_, i) => days.map((day) => ({ memberId: `m${i}`, day, cents: 500 }))).flat()

// Each row: a program as it should not be, and the day it is scored on.
const odd: readonly (readonly [string, PurchaseRow[], number])[] = [
  ['one member, one purchase', clones(1, [0]), 0],
  ['one member, one purchase long ago', clones(1, [0]), 5_000],
  ['one member, many purchases', daily('a', 5_000), 5_000],
  ['one heavy buyer among others', [...daily('heavy', 5_000), ...clones(200, [10, 300, 4_000])], 5_000],
  ['all equal', clones(300, [0, 30, 60, 90, 120]), 150],
  ['nobody ever comes back', clones(300, [7]), 400],
  ['a week old', clones(100, [0, 3, 6]), 6],
  ['one day old', clones(100, [0]), 0],
  ['all on the last day', clones(100, [500]), 500],
  ['nothing for years', clones(100, [0, 10, 20, 30]), 4_000],
  ['no amounts', rowsOf(known).map((row) => ({ ...row, cents: null })), 600],
  [
    'money given back only beside purchases',
    [...clones(50, [1, 9]), { memberId: 'm0', day: 9, cents: -99_999 }],
    20,
  ],
]

t.test('finite and within bounds whatever comes', async (t) => {
  for (const [title, rows, asOf] of odd) {
    for (const horizonDays of [1, 182, 3_650]) {
      const purchases = collected(rows, asOf)
      const { learnt, scores } = scored(purchases, { asOf, horizonDays })
      const chances = [...scores.silent, ...scores.decline, ...scores.alive.filter((p) => !Number.isNaN(p))]
      t.ok(
        chances.every((p) => p >= 0 && p <= 1),
        `${title}, ${horizonDays} days: chances`,
      )
      t.ok(
        scores.purchases.every((n) => Number.isFinite(n) && n >= 0),
        `${title}: purchases`,
      )
      t.ok(
        scores.value.every((n) => (purchases.hasSpend ? n >= 0 && n < 1e15 : Number.isNaN(n))),
        `${title}: value`,
      )
      const scorer = createScorer(learnt)
      const words = scorer.words(stateAt(purchases, 0, asOf)!, scores.flags[0]!)
      t.ok(words.since <= asOf, `${title}: since`)
      t.notMatch(JSON.stringify(words), /NaN|null days|undefined|Infinity/, title)
    }
  }
})

t.test('where nobody changes hardly anybody is flagged', async (t) => {
  for (const seed of [11]) {
    const { purchases } = simulate({ ...usualPlan, seed, members: 1_000, stops: 0, slows: 0 })
    const { scores } = scored(purchases, { asOf: usualPlan.days, horizonDays: 182 })
    const flagged = scores.flags.filter((flag) => flag !== null).length
    t.ok(flagged <= 0.002 * 1_000, `${flagged} of 1,000 flagged`)
  }
})

t.test('of those who stopped many are flagged, and nearly all of them rightly', async (t) => {
  const { purchases, members } = simulate({ ...usualPlan, members: 1_000, stops: 0.2, slows: 0 })
  const { scores } = scored(collected(rowsOf(purchases), 600), { asOf: 600, horizonDays: 91 })
  const flagged = members.filter((_, i) => scores.flags[i] === 'gone_quiet')
  const wrong = flagged.filter(({ changeDay }) => changeDay === null || changeDay > 600).length
  t.ok(flagged.length > 40, `${flagged.length} are flagged`)
  t.ok(wrong <= 0.1 * flagged.length, `${wrong} of them wrongly`)
})

t.test('one purchase is no rhythm: never flagged, and said so', async (t) => {
  const rows = [
    ...rowsOf(known),
    ...Array.from({ length: 300 }, (_, i) => ({ memberId: `one-${300 + i}`, day: 300 + i, cents: 9 })),
  ]
  const purchases = collected(rows, window.asOf)
  const { learnt, scores } = scored(purchases)
  const scorer = createScorer(learnt)
  for (const [place, id] of purchases.memberIds.entries()) {
    if (!id.startsWith('one-')) continue
    t.equal(scores.flags[place], null)
    const { phase, reasons } = scorer.words(stateAt(purchases, place, window.asOf)!, null)
    const isNew = window.asOf - Number(id.slice(4)) <= 150
    if (isNew) t.equal(phase, 'new')
    t.match(reasons[0]?.text, phase === 'new' ? /^new, waiting for a second purchase/ : /^no purchase for/)
  }
})

t.test('numbers in a sentence are the stored ones', async (t) => {
  const scorer = createScorer(learnt)
  let sentences = 0
  for (const place of known.memberIds.keys()) {
    const state = stateAt(known, place, window.asOf)!
    let ties = tie(NO_TIES, { day: 10, channel: 'shop', categories: ['tea', 'milk'], pointsEarned: 70n })
    for (const day of [20, 30, 40, 50]) ties = tie(ties, { day, categories: ['tea'], pointsEarned: 5n })
    ties = redeem(ties, { day: state.lastDay - (place % 3), points: 20n })
    for (const flag of ['gone_quiet', 'buying_less', null] as const) {
      for (const { text, facts, code } of scorer.words(state, flag, { ties }).reasons) {
        const told = (text.match(/\d+(\.\d+)?/g) ?? []).map(Number)
        const stored = Object.values(facts).filter((fact) => Number.isFinite(Number(fact)))
        t.strictSame(told.toSorted(), stored.map(Number).toSorted(), `${code}: ${text}`)
        t.notMatch(text, /P\(alive\)|(?<![.\d])1 (times|days)/, text)
        sentences++
      }
    }
  }
  t.ok(sentences > 500)
})

t.test('fifths, regularity and lifetime value', async (t) => {
  const states = [...known.memberIds.keys()].map((i) => stateAt(known, i, window.asOf)!)
  const bounds = rfmBounds(states)
  for (const part of ['recency', 'frequency', 'money'] as const) {
    const counts = [1, 2, 3, 4, 5].map(
      (fifth) => states.filter((s) => rfmOf(s, bounds)[part] === fifth).length,
    )
    t.ok(
      counts.every((count) => count > 0.12 * states.length),
      `${part}: ${counts}`,
    )
  }
  const every = (gap: number) => stateOf(Array.from({ length: 40 }, (_, i) => ({ day: i * gap, cents: 900 })))
  t.equal(dispersionOf(every(14), learnt), 'clockwork')
  t.equal(dispersionOf(stateOf([{ day: 0, cents: 1 }]), learnt), null)
  const [often, seldom] = [every(15), every(15)].map((state, i) => {
    const days = i === 0 ? 40 : 5
    const last = Array.from({ length: days }, (_, n) => ({
      day: 600 - (days - 1 - n) * (i === 0 ? 7 : 60),
      cents: 900,
    }))
    t.ok(state.days === 40)
    return lifetimeValue(stateOf(last), learnt)!
  })
  t.ok(often! > seldom! && seldom! > 0, `${often} and ${seldom}`)
})
