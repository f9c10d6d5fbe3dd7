/** When points lapse, policy by policy as a program says them, in zones whose clocks jump. */
import t from 'tap'
import { type ExpiryPolicy, lapsesAt, putOff } from '../../src/base/expiry.ts'
import { cancelsAt, usableFrom } from '../../src/base/pending.ts'
import { addDays, dayOf, startOfDay } from '../../src/base/time.ts'
import { readExpiry } from '../../src/program/expiry.ts'
import { readPending } from '../../src/program/pending.ts'
import type { Place, ScalarNode } from '../../src/rules/node.ts'
import { fc, runs } from '../support/property.ts'

const at: Place = { file: 'program.yaml', line: 1, column: 1, path: 'expires' }
const scalar = (text: string): ScalarNode => ({ kind: 'scalar', at, type: 'text', text })

function policyOf(text: string): ExpiryPolicy {
  const born = { name: 'born', type: 'date' as const, oneOf: null, required: false }
  const terms = { transactionTypes: ['purchase'], attributes: new Map([['born', born]]) }
  const told: string[] = []
  const policy = readExpiry(scalar(text), terms, ({ message }) => told.push(message))
  if (!policy) throw new Error(`${text}: ${told.join(', ')}`)
  return policy
}

// Each row: the policy, the last usable day for points earned at noon of a day.
const rows: readonly (readonly [policy: string, earned: string, last: string, birthMonth?: number])[] = [
  ['never', '2026-03-14', 'never'],
  ['90 days', '2026-03-14', '2026-06-12'],
  ['2 weeks', '2026-02-20', '2026-03-06'],
  ['12 months', '2024-02-29', '2025-02-28'],
  ['4 years', '2024-02-29', '2028-02-29'],
  ['1 month', '2026-01-31', '2026-02-28'],
  ['12 months, end of day', '2026-03-14', '2027-03-14'],
  ['12 months, end of week', '2026-03-14', '2027-03-14'], // a Sunday
  ['12 months, end of month', '2026-03-14', '2027-03-31'],
  ['12 months, end of month', '2026-03-31', '2027-03-31'],
  ['12 months, end of quarter', '2026-04-01', '2027-06-30'],
  ['12 months, end of half year', '2026-06-30', '2027-06-30'],
  ['12 months, end of half year', '2026-07-01', '2027-12-31'],
  ['3 years, end of year', '2026-01-01', '2029-12-31'],
  ['12 months, end of March', '2026-03-14', '2027-03-31'],
  ['12 months, end of March', '2026-04-01', '2028-03-31'],
  ['12 months, end of february', '2027-01-05', '2028-02-29'],
  ['24 months, end of birth month', '2026-03-14', '2028-07-31', 7],
  ['24 months, end of birth month', '2026-08-01', '2029-07-31', 7],
  ['24 months, end of month of member.born', '2026-12-31', '2028-12-31', 12],
  ['24 months, end of birth month', '2026-03-14', '2028-03-31'], // not known: the month reached
  ['on 2027-12-31', '2026-03-14', '2027-12-31'],
  ['2027-12-31', '2027-12-31', '2027-12-31'],
  ['on 2027-12-31', '2028-01-01', 'never'],
  ['on 2028-06-30, 2027-12-31', '2028-01-01', '2028-06-30'],
  ['every 31 March', '2026-03-31', '2026-03-31'],
  ['every 31 March', '2026-04-01', '2027-03-31'],
  ['every 31 March, after 2 years', '2026-03-14', '2028-03-31'],
  ['every 31 March, after 2 years', '2026-04-01', '2029-03-31'],
  ['every 31 March and 30 September', '2026-04-01', '2026-09-30'],
  ['every 29 February', '2026-03-01', '2027-02-28'],
  ['every 29 February', '2027-03-01', '2028-02-29'],
]

for (const zone of ['Europe/Berlin', 'America/Santiago', 'Pacific/Apia', 'UTC']) {
  t.test(`policies in ${zone}`, async (t) => {
    for (const [text, earned, last, birthMonth = null] of rows) {
      const noon = new Date(startOfDay(zone, earned).getTime() + 12 * 3_600_000)
      const lapse = lapsesAt(policyOf(text), zone, { at: noon, birthMonth })
      const expected = last === 'never' ? null : startOfDay(zone, addDays(last, 1))
      t.strictSame(lapse, expected, `${text} from ${earned}`)
    }
  })
}

t.test('the day of the missing hour and of the doubled one, and a midnight that is not', async (t) => {
  const lapse = (zone: string, text: string, earned: string) =>
    lapsesAt(policyOf(text), zone, { at: new Date(earned) })?.toISOString()
  // Berlin: 29 March 2026 has 23 hours, 25 October 25
  t.equal(lapse('Europe/Berlin', '1 day', '2026-03-28T22:59:59Z'), '2026-03-29T22:00:00.000Z')
  t.equal(lapse('Europe/Berlin', '1 day', '2026-03-28T23:00:00Z'), '2026-03-30T22:00:00.000Z')
  t.equal(lapse('Europe/Berlin', '1 day', '2026-10-24T12:00:00Z'), '2026-10-25T23:00:00.000Z')
  // both 02:30 of the doubled hour are of one day
  t.equal(lapse('Europe/Berlin', '1 day', '2026-10-25T00:30:00Z'), '2026-10-26T23:00:00.000Z')
  t.equal(lapse('Europe/Berlin', '1 day', '2026-10-25T01:30:00Z'), '2026-10-26T23:00:00.000Z')
  // Santiago jumps at midnight: 6 September 2026 begins at 01:00, 04:00 UTC
  t.equal(lapse('America/Santiago', '1 day', '2026-09-04T12:00:00Z'), '2026-09-06T04:00:00.000Z')
})

t.test(
  'whatever the policy: a day begins, none is earned after it lapsed, later is never sooner',
  async (t) => {
    const policies = rows.map(([text]) => policyOf(text))
    const days = fc.date({ min: new Date('1980-01-01'), max: new Date('2060-01-01'), noInvalidDate: true })
    const zones = fc.constantFrom(
      'Europe/Berlin',
      'America/Santiago',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
    )
    const birthMonths = fc.option(fc.integer({ min: 1, max: 12 }))
    fc.assert(
      fc.property(
        fc.constantFrom(...policies),
        zones,
        days,
        days,
        birthMonths,
        (policy, zone, one, two, birthMonth) => {
          const [first, second] = one < two ? [one, two] : [two, one]
          const lapse = lapsesAt(policy, zone, { at: first, birthMonth })
          const later = lapsesAt(policy, zone, { at: second, birthMonth })
          if (lapse === null) return
          t.ok(lapse > first && startOfDay(zone, dayOf(zone, lapse)).getTime() === lapse.getTime())
          t.ok(later === null || later >= lapse)
        },
      ),
      { numRuns: runs(2000) },
    )
  },
)

t.test('putting off keeps the end of a month the end of one', async (t) => {
  const zone = 'Europe/Berlin'
  const off = (text: string, last: string, months: number) =>
    putOff(policyOf(text), zone, {
      lapse: startOfDay(zone, addDays(last, 1)),
      by: { count: months, unit: 'month' },
      birthMonth: null,
    })
  t.strictSame(off('12 months, end of month', '2027-02-28', 6), startOfDay(zone, '2027-09-01'))
  t.strictSame(off('12 months', '2027-02-28', 6), startOfDay(zone, '2027-08-29'))
  t.strictSame(off('on 2027-12-31', '2027-12-31', 2), startOfDay(zone, '2028-03-01'))
})

t.test('pending', async (t) => {
  const zone = 'Europe/Berlin'
  const from = new Date('2026-03-15T12:00:00Z')
  const pending = (text: string) => readPending(scalar(text), () => {}) ?? t.fail(text)
  const read = (text: string) => {
    const policy = pending(text) as NonNullable<ReturnType<typeof readPending>>
    return [usableFrom(policy, zone, from)?.toISOString(), cancelsAt(policy, zone, from)?.toISOString()]
  }
  t.strictSame(read('14 days'), ['2026-03-28T23:00:00.000Z', undefined])
  t.strictSame(read('1 month'), ['2026-04-14T22:00:00.000Z', undefined])
  t.strictSame(read('until 2026-03-30'), ['2026-03-29T22:00:00.000Z', undefined])
  t.strictSame(read('until 2026-03-15'), [undefined, undefined], 'usable at once')
  t.strictSame(read('until confirmed, cancel after 30 days'), [undefined, '2026-04-14T22:00:00.000Z'])
})
