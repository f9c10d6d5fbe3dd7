/** What a member is told: what is missing, by when, and where they land. */
import t from 'tap'
import { baseStanding } from '../../src/tiers/assess.ts'
import { type Progress, progress } from '../../src/tiers/progress.ts'
import type { Standing } from '../../src/tiers/standing.ts'
import { ladder, rows } from './ladders.ts'

const enrolledAt = new Date('2024-01-15')
const utc = { timeZone: 'UTC', enrolledAt }

function day(at: Date): string {
  return at.toISOString().replace('T00:00:00.000Z', '')
}

function showGoal(goal: Progress['toReach']): string {
  if (goal === null) return '-'
  const missing = goal.missing.map((one) => `${one.counter} ${one.missing}`).join(' + ')
  return `${goal.tier} ${missing || 'nothing'} by ${day(goal.by)}`
}

function showLanding({ tier, at }: Progress['landing']): string {
  return at === null ? tier : `${tier} ${day(at)}`
}

const tiers = ['base', 'silver: spend 500 | transactions 4', 'gold: miles 50 & own 25 keep miles 40 & own 25']
const year = ladder({ tiers, downgrade: 'earned' })
const plusOne = ladder({ tiers, downgrade: 'earned', validity: { kind: 'period_end', extraPeriods: 1 } })
const never = ladder({ tiers, downgrade: 'never' })
const rolling = ladder({ tiers: ['base', 'silver: spend 500'], period: { kind: 'rolling', months: 12 } })
const monthly = ladder({ tiers: ['base', 'silver: spend 500'], period: { kind: 'rolling', months: 1 } })

t.test('what is missing', async (t) => {
  // ladder, standing, what was counted, at -> to reach | to keep | where it lands
  const cases = [
    [year, 'base', '', '2026-05-01', 'silver spend 500 by 2027-01-01 | - | base'],
    [year, 'base', '2026-02-01 spend 499.5', '2026-05-01', 'silver spend 0.5 by 2027-01-01 | - | base'],
    // of two ways the nearer one: 3 of 4 transactions rather than 100 of 500
    [
      year,
      'base',
      '2026-02-01 spend 100, 2026-02-01 transactions 3',
      '2026-05-01',
      'silver transactions 1 by 2027-01-01 | - | base',
    ],
    [
      year,
      'base',
      '2026-02-01 spend -3, 2026-02-01 transactions -1',
      '2026-05-01',
      'silver spend 503 by 2027-01-01 | - | base',
    ],
    // earned but not yet written: told as it will be decided
    [
      year,
      'base',
      '2026-02-01 spend 500',
      '2026-05-01',
      'gold points:miles 50 + points:own 25 by 2027-01-01 | silver nothing by 2027-01-01 | silver 2027-01-01',
    ],
    [
      year,
      'silver until 2027-01-01',
      '2026-02-01 miles 60',
      '2026-05-01',
      'gold points:own 25 by 2027-01-01 | silver spend 500 by 2027-01-01 | base 2027-01-01',
    ],
    [
      year,
      'gold until 2027-01-01',
      '2026-02-01 miles 39, 2026-02-01 own 30',
      '2026-05-01',
      '- | gold points:miles 1 by 2027-01-01 | base 2027-01-01',
    ],
    [
      year,
      'gold until 2027-01-01',
      '2026-02-01 transactions 5',
      '2026-05-01',
      '- | gold points:miles 40 + points:own 25 by 2027-01-01 | silver 2027-01-01',
    ],
    [
      year,
      'gold until 2027-01-01',
      '2026-02-01 miles 40, 2026-02-01 own 25',
      '2026-05-01',
      '- | gold nothing by 2027-01-01 | gold 2027-01-01',
    ],
    // the year that decides has not begun: all of it is still to come
    [
      plusOne,
      'silver until 2028-01-01',
      '2026-02-01 spend 700',
      '2026-05-01',
      'gold points:miles 50 + points:own 25 by 2027-01-01 | silver spend 500 by 2028-01-01 | base 2028-01-01',
    ],
    [
      plusOne,
      'silver until 2028-01-01',
      '2027-02-01 spend 400',
      '2027-05-01',
      'gold points:miles 50 + points:own 25 by 2028-01-01 | silver spend 100 by 2028-01-01 | base 2028-01-01',
    ],
    [never, 'silver', '', '2026-05-01', 'gold points:miles 50 + points:own 25 by 2027-01-01 | - | silver'],
    [never, 'gold', '', '2026-05-01', '- | - | gold'],
    // an end that nobody has written yet
    [year, 'gold until 2026-01-01', '', '2026-05-01', 'silver spend 500 by 2027-01-01 | - | base'],
    // rolling: until the oldest day that counts drops out of the window
    [rolling, 'base', '', '2026-05-01', 'silver spend 500 by 2027-05-01 | - | base'],
    [
      rolling,
      'base',
      '2025-08-01 spend 300, 2026-01-01 spend 50',
      '2026-05-01',
      'silver spend 150 by 2026-08-01 | - | base',
    ],
    [
      rolling,
      'base',
      '2025-05-01 spend 300, 2026-01-01 spend 50',
      '2026-05-01',
      'silver spend 450 by 2027-01-01 | - | base',
    ],
    [
      rolling,
      'silver until 2026-08-02',
      '2025-08-01 spend 300, 2025-09-01 spend 200',
      '2026-05-01',
      '- | silver spend 300 by 2026-08-02 | base 2026-08-02',
    ],
    [
      rolling,
      'silver until 2026-08-01',
      '2025-08-01 spend 300, 2025-09-01 spend 200',
      '2026-05-01',
      '- | silver nothing by 2026-08-01 | silver 2026-08-01',
    ],
    [monthly, 'base', '2026-03-31 spend 1', '2026-04-15', 'silver spend 499 by 2026-05-01 | - | base'],
  ] as const
  for (const [status, from, counted, at, expected] of cases) {
    const [tier, until] = from.split(' until ')
    const standing: Standing = {
      ...baseStanding(status, enrolledAt),
      tier: tier!,
      until: until ? new Date(until) : null,
    }
    const told = progress(status, { ...utc, standing, counters: rows(counted), at: new Date(at) })
    const text = [showGoal(told.toReach), showGoal(told.toKeep), showLanding(told.landing)].join(' | ')
    t.equal(text, expected, `${from}, ${counted || 'nothing'}, at ${at}`)
  }
})

t.test('the counters of the running period, each once', async (t) => {
  const counters = rows('2025-12-31 spend 9, 2026-01-01 spend 1.50, 2026-01-02 spend 1, 2026-01-02 beans 7')
  const told = progress(year, {
    ...utc,
    standing: baseStanding(year, enrolledAt),
    counters,
    at: new Date('2026-05-01'),
  })
  t.strictSame(told.period, { from: '2026-01-01', to: '2026-12-31' })
  t.equal(
    told.counters.map((one) => `${one.counter} ${one.value}`).join(', '),
    'points:miles 0, points:own 0, spend 2.5, transactions 0',
  )
})
