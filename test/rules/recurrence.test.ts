/** Recurring days: which days of a stretch a recurrence meets, and what is no recurrence. */
import t from 'tap'
import { addDays } from '../../src/base/time.ts'
import { compileRecurrence } from '../../src/rules/recurrence.ts'
import { rule, tree, value } from './fixtures.ts'

function compiled(text: string, start: string | null) {
  const problems: string[] = []
  const found = compileRecurrence(tree(`"${text}"`), start, ({ message, hint, offset }) =>
    problems.push(`${offset === undefined ? '' : `${offset}: `}${message}${hint ? ` (${hint})` : ''}`),
  )
  return { found, problems }
}

// Each row: the recurrence, the rule's first day, and the days of January to March 2026 that it meets. 1 January
// 2026 is a Thursday.
const rows: [string, string | null, string][] = [
  [
    'FREQ=WEEKLY;BYDAY=SA',
    null,
    '01-03 01-10 01-17 01-24 01-31 02-07 02-14 02-21 02-28 03-07 03-14 03-21 03-28',
  ],
  ['freq=monthly;byday=1fr', null, '01-02 02-06 03-06'],
  ['RRULE:FREQ=MONTHLY;BYDAY=-1SU', null, '01-25 02-22 03-29'],
  ['FREQ=MONTHLY;BYDAY=5TH', null, '01-29'],
  ['FREQ=MONTHLY;BYMONTHDAY=-1', null, '01-31 02-28 03-31'],
  ['FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR', null, '02-13 03-13'],
  ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=14', null, '02-14'],
  ['FREQ=YEARLY;BYMONTH=3;BYDAY=2MO', null, '03-09'],
  ['FREQ=DAILY;INTERVAL=30', '2026-01-05', '01-05 02-04 03-06'],
  ['FREQ=WEEKLY;INTERVAL=4;BYDAY=MO', '2026-01-07', '02-02 03-02 03-30'],
  ['FREQ=WEEKLY;INTERVAL=6', '2026-01-07', '01-07 02-18'],
  ['FREQ=MONTHLY;INTERVAL=2', '2026-01-31', '01-31 03-31'],
  ['FREQ=YEARLY', '2020-02-29', ''],
  ['FREQ=YEARLY', '2020-02-28', '02-28'],
  ['FREQ=WEEKLY;BYDAY=SA;UNTIL=20260115', null, '01-03 01-10'],
]

t.test('which days recur', async (t) => {
  for (const [text, start, expected] of rows) {
    const { found, problems } = compiled(text, start)
    t.same(problems, [], text)
    const days: string[] = []
    for (let day = '2026-01-01'; day < '2026-04-01'; day = addDays(day, 1))
      if (found?.holds(day)) days.push(day.slice(5))
    t.equal(days.join(' '), expected, text)
  }
})

t.test('what is no recurrence', async (t) => {
  const wrong: [string, string][] = [
    ['', 'expected a recurrence such as FREQ=WEEKLY;BYDAY=SA,SU'],
    ['every Friday', '0: expected a recurrence such as FREQ=WEEKLY;BYDAY=SA,SU'],
    ['BYDAY=SA', 'FREQ is missing, such as FREQ=WEEKLY'],
    ['FREQ=WEEKLI;BYDAY=SA', '0: FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY (did you mean "WEEKLY"?)'],
    [
      'FREQ=WEEKLY;BYDAYS=SA',
      '12: BYDAYS is not a part of a recurrence; there are FREQ, INTERVAL, BYDAY, BYMONTH, BYMONTHDAY, UNTIL (did you mean "BYDAY"?)',
    ],
    [
      'FREQ=DAILY;COUNT=3',
      '11: COUNT is not a part of a recurrence; there are FREQ, INTERVAL, BYDAY, BYMONTH, BYMONTHDAY, UNTIL (say when it ends: UNTIL=20261231)',
    ],
    ['FREQ=DAILY;FREQ=DAILY', '11: FREQ stands twice'],
    [
      'FREQ=WEEKLY;BYDAY=SO',
      '12: BYDAY takes MO, TU, WE, TH, FR, SA, SU, or 1FR for the first Friday, -1SU for the last Sunday',
    ],
    ['FREQ=WEEKLY;BYDAY=1SA', 'numbered weekdays such as 1FR are of a month (write FREQ=MONTHLY)'],
    ['FREQ=YEARLY;BYDAY=1SA', 'say of which month, such as BYMONTH=11'],
    ['FREQ=WEEKLY', 'say on which days (add BYDAY or BYMONTHDAY)'],
    [
      'FREQ=WEEKLY;INTERVAL=2;BYDAY=SA',
      'INTERVAL counts from the start of the rule (add `from` to the rule)',
    ],
    ['FREQ=MONTHLY;BYMONTHDAY=32', '13: BYMONTHDAY takes days from 1 to 31, or -1 for the last'],
    ['FREQ=MONTHLY;BYMONTHDAY=0', '13: BYMONTHDAY takes days from 1 to 31, or -1 for the last'],
    ['FREQ=DAILY;UNTIL=31.12.2026', '11: UNTIL takes the last day, such as 20261231'],
  ]
  for (const [text, expected] of wrong) t.equal(compiled(text, null).problems.join(' | '), expected, text)
})

t.test('a rule recurs by the days of the program, not of UTC', async (t) => {
  const weekend = rule('{ id: rule, on: purchase, recurs: FREQ=WEEKLY;BYDAY=SA, award: 5 beans }')
  const at = (instant: string) => value({ rules: [weekend], transaction: { at: instant }, explain: true })
  t.equal(at('2026-03-20T22:59:59Z').trace[0]?.because, '2026-03-20 is none of its days')
  t.equal(at('2026-03-20T23:00:00Z').awards.length, 1, 'Saturday begins in Berlin')
  t.equal(at('2026-03-21T23:00:00Z').awards.length, 0, 'and is over')
})
