/** What the program gives and what the member brings: the declared formulas, grades, and the best fifth. */
import t from 'tap'
import { Decimal } from '../../src/base/points.ts'
import { USUAL_VALUE } from '../../src/program/value.ts'
import {
  broughtBy,
  deliveredOf,
  gradeEndsOf,
  riskGrade,
  topShare,
  type ValueFacts,
  valueGrade,
} from '../../src/retention/value.ts'
import { fc } from '../support/property.ts'

const money = (amount: number | string) => new Decimal(amount)

function facts(of: Partial<Record<keyof ValueFacts, number>>): ValueFacts {
  const amount = (name: keyof ValueFacts) => money(of[name] ?? 0)
  return {
    days: of.days ?? 365,
    earlierDays: of.earlierDays ?? 0,
    purchases: of.purchases ?? 0,
    netSpend: amount('netSpend'),
    earlierSpend: amount('earlierSpend'),
    everSpend: amount('everSpend'),
    redeemed: amount('redeemed'),
    benefits: amount('benefits'),
    fees: amount('fees'),
    pointsCost: amount('pointsCost'),
  }
}

t.test('delivered: redeemed and benefits, less fees and a tenth of the spend beyond the usual', (t) => {
  const rows = [
    // redeemed, benefits, fees, spend, before it, days known: beyond the usual, delivered
    [[10, 25, 0, 500, 0, 0], '0', '35'], // nothing is known to be usual
    [[10, 25, 0, 500, 400, 365], '100', '25'],
    [[10, 25, 30, 500, 400, 365], '100', '0'], // never below zero
    [[10, 0, 0, 300, 400, 365], '0', '10'], // less than usual costs nothing
    [[10, 0, 0, 500, 100, 73], '0', '10'], // known for too short
    [[10, 0, 0, 600, 100, 146], '350', '0'], // 100 in 146 days are 250 a year
  ] as const
  for (const [[redeemed, benefits, fees, netSpend, earlierSpend, earlierDays], beyond, total] of rows) {
    const found = deliveredOf(
      facts({ redeemed, benefits, fees, netSpend, earlierSpend, earlierDays }),
      USUAL_VALUE,
    )
    t.same([found.beyondUsual.toFixed(), found.total.toFixed()], [beyond, total])
  }
  t.end()
})

t.test('brought: margin on net spend and fees, less the points', (t) => {
  const found = broughtBy(facts({ netSpend: 1000, fees: 20, pointsCost: 15 }), { margin: money('0.3') })
  t.equal(found.profit.toFixed(), '305')
  t.end()
})

t.test('grades: fifths of the members by profit, risk by its ends', (t) => {
  const profits = [50, 40, 30, 20, 10].map(money)
  const ends = gradeEndsOf(profits, USUAL_VALUE.valueGrades)
  t.same(
    profits.map((profit) => valueGrade(profit, ends)),
    ['A', 'B', 'C', 'D', 'E'],
  )
  t.same(
    [0, 0.0999, 0.1, 0.4, 0.6, 0.7, 1].map((chance) => riskGrade(chance, USUAL_VALUE.riskGrades)),
    ['A', 'A', 'B', 'C', 'D', 'E', 'E'],
  )
  t.same(gradeEndsOf([], USUAL_VALUE.valueGrades), [])
  t.match(topShare([]), { members: 0, share: null })
  t.match(topShare([money(-5), money(-1)]), { members: 1, share: null })
  t.match(topShare([80, 10, 5, 5, -50].map(money)), { members: 1, share: 0.8 })
  t.end()
})

t.test('whatever the facts: finite, never below zero, never more for a fee', (t) => {
  const amount = fc.integer({ min: 0, max: 1_000_000 }).map((cents) => cents / 100)
  const any = fc.record({
    ...{ netSpend: amount, earlierSpend: amount, redeemed: amount, benefits: amount, fees: amount },
    days: fc.integer({ min: 1, max: 4000 }),
    earlierDays: fc.integer({ min: 0, max: 4000 }),
  })
  fc.assert(
    fc.property(any, (of) => {
      const one = deliveredOf(facts(of), USUAL_VALUE)
      const dearer = deliveredOf(facts({ ...of, fees: of.fees + 1 }), USUAL_VALUE)
      const finite = Object.values(one).every((value) => value === null || value.isFinite())
      return finite && one.total.greaterThanOrEqualTo(0) && dearer.total.lessThanOrEqualTo(one.total)
    }),
  )
  const some = fc.array(fc.integer({ min: -1000, max: 1000 }).map(money), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(some, (profits) => {
      const ends = gradeEndsOf(profits, USUAL_VALUE.valueGrades)
      const graded = [...profits].sort((a, b) => b.comparedTo(a)).map((profit) => valueGrade(profit, ends))
      const { share } = topShare(profits)
      return graded.join('') === [...graded].sort().join('') && (share === null || (share >= 0 && share <= 1))
    }),
  )
  t.end()
})
