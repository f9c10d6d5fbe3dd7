/** What a member says, as of a day: sums, reasons with their numbers, and the odds of a second purchase. */
import t from 'tap'
import { reasonsOfVoice } from '../../src/retention/reason.ts'
import { secondOdds } from '../../src/retention/second.ts'
import { type Said, voiceOf } from '../../src/retention/voice.ts'
import { fc } from '../support/property.ts'

const complaint = (day: number, resolvedDay: number | null = null): Said => ({
  ...{ day, kind: 'complaint', satisfaction: null, resolvedDay },
})
const score = (day: number, satisfaction: number): Said => ({
  ...{ day, kind: 'satisfaction', satisfaction, resolvedDay: null },
})

t.test('open complaints and falling satisfaction, by what was known on the day', (t) => {
  const said = [complaint(10, 20), complaint(15), score(5, 1), score(12, 0.75), score(18, 0.25)]
  const rows = [
    [4, [0, null, null]],
    [9, [0, 1, null]],
    [10, [1, 1, null]],
    [16, [2, 0.75, 1]],
    [19, [2, 0.25, 0.875]],
    [20, [1, 0.25, 0.875]],
  ] as const
  for (const [asOf, expected] of rows) {
    const { openComplaints, satisfaction, before } = voiceOf(said, asOf)
    t.same([openComplaints, satisfaction, before], expected, `day ${asOf}`)
  }
  t.same(
    reasonsOfVoice(voiceOf(said, 20), 20).map(({ text }) => text),
    [
      '1 complaint open, the oldest for 5 days',
      'satisfaction fell to 25 % of the scale from 88 %, said 2 days ago',
    ],
  )
  t.match(reasonsOfVoice(voiceOf([score(1, 0.2)], 3), 3), [{ code: 'dissatisfied' }])
  t.same(reasonsOfVoice(voiceOf([score(1, 0.2)], 0), 0), [])
  t.end()
})

t.test('the numbers of a sentence are its facts, and the future changes nothing', (t) => {
  const any = fc.array(
    fc.oneof(
      fc
        .record({ day: fc.nat(400), wait: fc.option(fc.nat(200)) })
        .map(({ day, wait }) => complaint(day, wait === null ? null : day + wait)),
      fc
        .record({ day: fc.nat(400), value: fc.integer({ min: 0, max: 10 }) })
        .map(({ day, value }) => score(day, value / 10)),
    ),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(any, fc.nat(400), (said, asOf) => {
      const voice = voiceOf(said, asOf)
      const past = voiceOf(
        said.filter(({ day }) => day <= asOf),
        asOf,
      )
      const told = reasonsOfVoice(voice, asOf)
      const numbersMatch = told.every(({ text, facts }) => {
        const numbers = [...text.matchAll(/-?\d+/g)].map(([number]) => Number(number))
        return numbers.length > 0 && numbers.every((number) => Object.values(facts).includes(number))
      })
      return numbersMatch && JSON.stringify(past) === JSON.stringify(voice)
    }),
  )
  t.end()
})

t.test('the odds of a second purchase count who waits for as long as they were seen', (t) => {
  // Of four, one comes back after 5 days, one after 10; one was seen 7 days, one 20.
  const odds = secondOdds([
    { gap: 5, waited: 30, members: 1 },
    { gap: 10, waited: 30, members: 1 },
    { gap: null, waited: 7, members: 1 },
    { gap: null, waited: 20, members: 1 },
  ])
  t.equal(odds.within(4), 0)
  t.equal(odds.within(5), 0.25)
  t.equal(odds.within(10), 1 - 0.75 * 0.5)
  t.equal(odds.within(21), null)
  t.equal(odds.next(7, 3), 0.5)
  t.equal(odds.waiting, 2)
  t.match(secondOdds([]), { members: 0, waiting: 0 })
  t.equal(secondOdds([]).within(0), null)
  t.end()
})
