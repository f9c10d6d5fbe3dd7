/** Periods by zone and calendar: leap days, daylight saving, zones that skip midnight. */
import t from 'tap'
import { addDays, dayOf, startOfDay } from '../../src/base/time.ts'
import type { Ladder } from '../../src/program/program.ts'

import { periodAt, periodEndedBy } from '../../src/tiers/period.ts'
import { fc, runs } from '../support/property.ts'
import { ladder } from './ladders.ts'

const calendar: Ladder['period'] = { kind: 'calendar_year' }
const membership: Ladder['period'] = { kind: 'membership_year' }
const rolling = (months: number): Ladder['period'] => ({ kind: 'rolling', months })
const of = (period: Ladder['period']) => ladder({ tiers: ['base'], period })

t.test('the period that an instant lies in', async (t) => {
  // period, zone, enrolled, at -> from, to, first instant after
  const cases: [Ladder['period'], string, string, string, string][] = [
    [
      calendar,
      'UTC',
      '2020-01-01',
      '2026-12-31T23:59:59.999Z',
      '2026-01-01 2026-12-31 2027-01-01T00:00:00.000Z',
    ],
    [
      calendar,
      'Asia/Tokyo',
      '2020-01-01',
      '2026-12-31T15:00:00Z',
      '2027-01-01 2027-12-31 2027-12-31T15:00:00.000Z',
    ],
    [
      calendar,
      'America/New_York',
      '2020-01-01',
      '2027-01-01T04:59:59Z',
      '2026-01-01 2026-12-31 2027-01-01T05:00:00.000Z',
    ],
    // enrolled on 29 February: the 28th in other years, the 29th again in a leap year
    [membership, 'UTC', '2024-02-29', '2024-02-29', '2024-02-29 2025-02-27 2025-02-28T00:00:00.000Z'],
    [membership, 'UTC', '2024-02-29', '2025-02-27', '2024-02-29 2025-02-27 2025-02-28T00:00:00.000Z'],
    [membership, 'UTC', '2024-02-29', '2025-02-28', '2025-02-28 2026-02-27 2026-02-28T00:00:00.000Z'],
    [membership, 'UTC', '2024-02-29', '2028-02-28', '2027-02-28 2028-02-28 2028-02-29T00:00:00.000Z'],
    [membership, 'UTC', '2024-02-29', '2028-02-29', '2028-02-29 2029-02-27 2029-02-28T00:00:00.000Z'],
    // enrolled late in the evening: the day is the zone's
    [
      membership,
      'Europe/Berlin',
      '2024-06-30T22:30:00Z',
      '2026-06-30T21:59:59Z',
      '2025-07-01 2026-06-30 2026-06-30T22:00:00.000Z',
    ],
    [
      membership,
      'Europe/Berlin',
      '2024-06-30T22:30:00Z',
      '2026-06-30T22:00:00Z',
      '2026-07-01 2027-06-30 2027-06-30T22:00:00.000Z',
    ],
    // a fact from before the enrolment has a membership year too
    [membership, 'UTC', '2024-06-30', '2024-06-29', '2023-06-30 2024-06-29 2024-06-30T00:00:00.000Z'],
    [rolling(12), 'UTC', '2020-01-01', '2026-03-14', '2025-03-15 2026-03-14 2026-03-15T00:00:00.000Z'],
    [rolling(12), 'UTC', '2020-01-01', '2028-02-29', '2027-03-01 2028-02-29 2028-03-01T00:00:00.000Z'],
    [rolling(12), 'UTC', '2020-01-01', '2029-02-28', '2028-02-29 2029-02-28 2029-03-01T00:00:00.000Z'],
    [rolling(1), 'UTC', '2020-01-01', '2026-03-31', '2026-03-01 2026-03-31 2026-04-01T00:00:00.000Z'],
    [rolling(1), 'UTC', '2020-01-01', '2026-04-30', '2026-03-31 2026-04-30 2026-05-01T00:00:00.000Z'],
    // clocks go forward at 01:00 UTC on 29 March 2026: that day has 23 hours
    [
      rolling(1),
      'Europe/London',
      '2020-01-01',
      '2026-03-29T22:59:59Z',
      '2026-03-01 2026-03-29 2026-03-29T23:00:00.000Z',
    ],
    // in Beirut midnight itself does not exist on 29 March 2026: the day before ends at the jump
    [
      rolling(1),
      'Asia/Beirut',
      '2020-01-01',
      '2026-03-28T21:59:59Z',
      '2026-03-01 2026-03-28 2026-03-28T22:00:00.000Z',
    ],
  ]
  for (const [period, timeZone, enrolled, at, expected] of cases) {
    const found = periodAt(of(period), { timeZone, enrolledAt: new Date(enrolled), at: new Date(at) })
    const name = `${period.kind} in ${timeZone}, enrolled ${enrolled}, at ${at}`
    t.equal(`${found.from} ${found.to} ${found.endsAt.toISOString()}`, expected, name)
  }
})

t.test('the last period that is over', async (t) => {
  const cases: [Ladder['period'], string, string][] = [
    [calendar, '2026-12-31T23:59:59.999Z', '2025-01-01 2025-12-31'],
    [calendar, '2027-01-01', '2026-01-01 2026-12-31'],
    [calendar, '2027-12-31', '2026-01-01 2026-12-31'],
    [membership, '2025-02-28', '2024-02-29 2025-02-27'],
    [membership, '2025-02-27', '2023-02-28 2024-02-28'],
    [rolling(3), '2026-03-01', '2025-11-29 2026-02-28'],
  ]
  for (const [period, at, expected] of cases) {
    const input = { timeZone: 'UTC', enrolledAt: new Date('2024-02-29'), at: new Date(at) }
    const found = periodEndedBy(of(period), input)
    t.equal(`${found.from} ${found.to}`, expected, `${period.kind} over by ${at}`)
  }
})

t.test('periods touch: every day lies in exactly one, and one follows the other', async () => {
  const instants = fc.date({
    min: new Date('1975-01-01'),
    max: new Date('2090-01-01'),
    noInvalidDate: true,
  })
  const zones = fc.constantFrom('UTC', 'Europe/London', 'America/Sao_Paulo', 'Asia/Beirut', 'Pacific/Apia')
  fc.assert(
    fc.property(
      instants,
      instants,
      zones,
      fc.constantFrom(calendar, membership),
      (enrolledAt, at, timeZone, kind) => {
        const status = of(kind)
        const period = periodAt(status, { timeZone, enrolledAt, at })
        const day = dayOf(timeZone, at)
        const next = periodAt(status, { timeZone, enrolledAt, at: period.endsAt })
        const last = periodAt(status, { timeZone, enrolledAt, at: new Date(period.endsAt.getTime() - 1) })
        const whole = periodEndedBy(status, { timeZone, enrolledAt, at: period.endsAt })
        return (
          period.from <= day &&
          day <= period.to &&
          at < period.endsAt &&
          startOfDay(timeZone, period.from) <= at &&
          next.from === addDays(period.to, 1) &&
          last.from === period.from &&
          whole.from === period.from
        )
      },
    ),
    { numRuns: runs(500) },
  )
})
