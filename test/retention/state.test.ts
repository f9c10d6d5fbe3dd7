/**
 * A member's row: kept step by step it is the row of all purchases at once, and a purchase taken back leaves
 * the row that would stand without it, or says that it must be rebuilt.
 */
import t from 'tap'
import {
  add,
  emptyState,
  fadedCount,
  fadedSpend,
  type MemberState,
  type Purchase,
  stateOf,
  undo,
  undoSpend,
} from '../../src/retention/state.ts'
import { fc, runs } from '../support/property.ts'

const purchases = fc
  .array(fc.record({ gap: fc.integer({ min: 0, max: 60 }), cents: fc.integer({ min: 0, max: 500_000 }) }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let day = 13_000
    return steps.map(({ gap, cents }): Purchase => {
      day += gap
      return { day, cents }
    })
  })

t.test('step by step is all at once', async (t) => {
  fc.assert(
    fc.property(purchases, (all) => {
      let state = emptyState()
      for (const purchase of all) state = add(state, purchase)
      t.strictSame(state, stateOf(all))
    }),
    { numRuns: runs(100) },
  )
})

t.test('taking back the latest purchases is exact, or says that it is not', async (t) => {
  let [exact, tries] = [0, 0]
  fc.assert(
    fc.property(purchases, fc.integer({ min: 1, max: 3 }), (all, back) => {
      let state = stateOf(all)
      const left = [...all]
      for (let i = 0; i < Math.min(back, all.length); i++) {
        state = undo(state, left.pop()!)
        tries++
        if (state.rebuild) return
        t.strictSame(state, stateOf(left))
        exact++
      }
    }),
    { numRuns: runs(300) },
  )
  t.ok(exact > 0.6 * tries, `${exact} of ${tries} were exact`)
})

t.test('money given back leaves the day, and the row of the smaller purchase', async (t) => {
  fc.assert(
    fc.property(purchases, fc.integer({ min: 0, max: 100_000 }), (all, more) => {
      const last = all.at(-1)!
      const dearer = [...all.slice(0, -1), { ...last, cents: last.cents + more }]
      t.strictSame(undoSpend(stateOf(dearer), { day: last.day, cents: more }), stateOf(all))
    }),
    { numRuns: runs(100) },
  )
})

// Each row: purchase days, what is done to them, and whether the row must be rebuilt.
const rows: readonly (readonly [string, number[], (state: MemberState) => MemberState, boolean])[] = [
  ['a late fact', [10, 20], (state) => add(state, { day: 15, cents: 0 }), true],
  ['a second purchase of the last day', [10, 20], (state) => add(state, { day: 20, cents: 0 }), false],
  ['undone in the middle', [10, 20, 30], (state) => undo(state, { day: 20, cents: 0 }), true],
  ['undone at the end', [10, 20, 30], (state) => undo(state, { day: 30, cents: 0 }), false],
  ['the only one undone', [10], (state) => undo(state, { day: 10, cents: 0 }), false],
  ['nothing there to undo', [], (state) => undo(state, { day: 10, cents: 0 }), true],
  ['money back from a day that is not the last', [10, 20], (s) => undoSpend(s, { day: 10, cents: 1 }), true],
]

t.test('what the row cannot know it marks', async (t) => {
  for (const [title, days, change, rebuild] of rows) {
    t.equal(change(stateOf(days.map((day) => ({ day, cents: 0 })))).rebuild, rebuild, title)
  }
  t.strictSame(undo(stateOf([{ day: 5, cents: 7 }]), { day: 5, cents: 7 }), emptyState())
})

t.test('fading figures are the sums that they stand for', async (t) => {
  fc.assert(
    fc.property(purchases, fc.integer({ min: 0, max: 800 }), (all, later) => {
      const state = stateOf(all)
      const asOf = state.lastDay + later
      const days = [...new Set(all.map(({ day }) => day))]
      const fade = (day: number) => 2 ** (-(asOf - day) / 91)
      const count = days.reduce((sum, day) => sum + fade(day), 0)
      const spend = all.reduce((sum, { day, cents }) => sum + cents * fade(day), 0)
      t.ok(Math.abs(fadedCount(state, 1, asOf) - count) < 1e-3 * count + 1e-6)
      t.ok(Math.abs(fadedSpend(state, 1, asOf) - spend) < 5e-3 * spend + 1)
    }),
    { numRuns: runs(100) },
  )
})

t.test('a row stays small however much is bought', async (t) => {
  const state = stateOf(Array.from({ length: 5_000 }, (_, day) => ({ day, cents: 100 })))
  t.equal(state.days, 5_000)
  t.ok(state.recentDays.length < 16)
  t.ok(
    Object.values(state)
      .flat()
      .every((value) => typeof value === 'boolean' || Number.isSafeInteger(value)),
  )
})
