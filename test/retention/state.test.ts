/** A member's row: kept step by step it is the row of all purchases at once, or says that it must be rebuilt. */
import t from 'tap'
import { add, emptyState, fadedCount, fadedSpend, type Purchase, stateOf } from '../../src/retention/state.ts'
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

t.test('what the row cannot know it marks', async (t) => {
  const state = stateOf([10, 20].map((day) => ({ day, cents: 0 })))
  t.ok(add(state, { day: 15, cents: 0 }).rebuild, 'a late fact')
  t.notOk(add(state, { day: 20, cents: 0 }).rebuild, 'a second purchase of the last day')
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
