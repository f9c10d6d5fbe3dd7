/** Assessment told as rows: who stood where, what was counted, and what the instant brings. */
import t from 'tap'
import { assess, baseStanding, countersNeededFrom } from '../../src/tiers/assess.ts'
import type { Standing, TierChange } from '../../src/tiers/standing.ts'
import { type LadderText, ladder, rows } from './ladders.ts'

const enrolledAt = new Date('2020-02-29T12:00:00Z')
const utc = { timeZone: 'UTC', enrolledAt }

const year: LadderText = { tiers: ['base', 'silver: spend 500', 'gold: spend 900', 'platinum: spend 2000'] }

/** `gold until 2027-01-01` */
function standing(text: string): Standing {
  const [tier, until] = text.split(' until ')
  return { ladder: 'status', tier: tier!, since: enrolledAt, until: until ? new Date(until) : null }
}

function show({ tier, until }: { tier: string; until: Date | null }): string {
  return until === null ? tier : `${tier} until ${until.toISOString().replace('T00:00:00.000Z', '')}`
}

function showChange(change: TierChange): string {
  const day = change.effectiveAt.toISOString().replace('T00:00:00.000Z', '')
  return `${change.from} ${change.direction} ${change.to} ${day}`
}

t.test('reaching a tier', async (t) => {
  // ladder, what was counted, assessed at -> where the member stands, starting on base
  const cases: [LadderText, string, string, string][] = [
    [year, '', '2026-06-01', 'base'],
    [year, '2026-03-01 spend 499.99', '2026-06-01', 'base'],
    [year, '2026-03-01 spend 500', '2026-06-01', 'silver until 2027-01-01'],
    [year, '2026-03-01 spend 899.99', '2026-06-01', 'silver until 2027-01-01'],
    [year, '2026-03-01 spend 2000', '2026-06-01', 'platinum until 2027-01-01'], // no rung is climbed one by one
    [year, '2026-01-01 spend 250, 2026-06-01 spend 250', '2026-06-01T00:00:00Z', 'silver until 2027-01-01'],
    [year, '2025-12-31 spend 500, 2026-01-01 spend 499', '2026-06-01', 'base'], // last year is over
    [year, '2026-06-01 spend 600, 2026-06-02 spend -101', '2026-06-03', 'base'], // a return takes back
    [
      { ...year, validity: { kind: 'period_end', extraPeriods: 1 } },
      '2026-03-01 spend 500',
      '2026-06-01',
      'silver until 2028-01-01',
    ],
    [
      { ...year, validity: { kind: 'months', months: 12 } },
      '2026-03-01 spend 500',
      '2026-06-01',
      'silver until 2027-06-02',
    ],
    [
      { ...year, validity: { kind: 'months', months: 12 } },
      '2028-02-01 spend 500',
      '2028-02-29',
      'silver until 2029-03-01',
    ],
    [{ ...year, downgrade: 'never' }, '2026-03-01 spend 500', '2026-06-01', 'silver'],
    [
      { ...year, period: { kind: 'rolling', months: 12 } },
      '2025-06-02 spend 500',
      '2026-06-01',
      'silver until 2027-06-02',
    ],
    [{ ...year, period: { kind: 'rolling', months: 12 } }, '2025-06-01 spend 500', '2026-06-01', 'base'],
    [
      { ...year, period: { kind: 'rolling', months: 3 }, validity: { kind: 'period_end', extraPeriods: 1 } },
      '2026-05-31 spend 500',
      '2026-05-31',
      'silver until 2026-12-01',
    ],
    [
      { ...year, period: { kind: 'membership_year' } },
      '2025-02-28 spend 500',
      '2026-02-27T23:59:59.999Z',
      'silver until 2026-02-28',
    ],
    [{ ...year, period: { kind: 'membership_year' } }, '2025-02-27 spend 500', '2026-02-27', 'base'],
    [{ tiers: ['base', 'first: spend 0', 'second: spend 1'] }, '', '2026-06-01', 'first until 2027-01-01'], // needs nothing
  ]
  for (const [text, counted, at, expected] of cases) {
    const status = ladder(text)
    const input = {
      ...utc,
      standing: baseStanding(status, enrolledAt),
      counters: rows(counted),
      at: new Date(at),
    }
    t.equal(show(assess(status, input).standing), expected, `${counted || 'nothing'} at ${at}: ${expected}`)
  }
})

t.test('the end of a validity', async (t) => {
  const one = ladder(year)
  const earned = ladder({ ...year, downgrade: 'earned' })
  const never = ladder({ ...year, downgrade: 'never' })
  const plusOne = ladder({ ...year, validity: { kind: 'period_end', extraPeriods: 1 } })
  const soft = ladder({ ...year, tiers: ['base', 'silver: spend 500', 'gold: spend 900 keep spend 700'] })
  const monthly = ladder({ ...year, validity: { kind: 'months', months: 6 } })
  const rolling = ladder({ ...year, period: { kind: 'rolling', months: 12 } })

  // ladder, standing, what was counted, assessed at -> changes; where the member then stands
  const cases: [typeof one, string, string, string, string, string][] = [
    [one, 'gold until 2027-01-01', '', '2026-12-31T23:59:59.999Z', '', 'gold until 2027-01-01'],
    [
      one,
      'gold until 2027-01-01',
      '',
      '2027-01-01',
      'gold down silver 2027-01-01',
      'silver until 2028-01-01',
    ],
    [
      one,
      'gold until 2027-01-01',
      '2026-12-31 spend 900',
      '2027-01-01',
      'gold renewed gold 2027-01-01',
      'gold until 2028-01-01',
    ],
    [
      one,
      'gold until 2027-01-01',
      '2026-12-31 spend 899.99',
      '2027-01-01',
      'gold down silver 2027-01-01',
      'silver until 2028-01-01',
    ],
    [
      one,
      'gold until 2027-01-01',
      '2027-01-01 spend 899',
      '2027-01-01',
      'gold down silver 2027-01-01',
      'silver until 2028-01-01',
    ],
    [
      one,
      'gold until 2027-01-01',
      '2027-01-01 spend 900',
      '2027-01-01',
      'gold down silver 2027-01-01; silver up gold 2027-01-01',
      'gold until 2028-01-01',
    ],
    [one, 'silver until 2027-01-01', '', '2027-01-01', 'silver down base 2027-01-01', 'base'],
    [never, 'gold', '', '2027-01-01', '', 'gold'],
    [never, 'gold until 2027-01-01', '', '2027-01-01', 'gold renewed gold 2027-01-01', 'gold'],
    [
      plusOne,
      'gold until 2028-01-01',
      '2026-05-01 spend 900',
      '2028-01-01',
      'gold down silver 2028-01-01',
      'silver until 2029-01-01',
    ],
    [
      plusOne,
      'gold until 2028-01-01',
      '2027-05-01 spend 900',
      '2028-01-01',
      'gold renewed gold 2028-01-01',
      'gold until 2029-01-01',
    ],
    [
      soft,
      'gold until 2027-01-01',
      '2026-05-01 spend 700',
      '2027-01-01',
      'gold renewed gold 2027-01-01',
      'gold until 2028-01-01',
    ],
    [
      soft,
      'gold until 2027-01-01',
      '2026-05-01 spend 699',
      '2027-01-01',
      'gold down silver 2027-01-01',
      'silver until 2028-01-01',
    ],
    // worked example 5: a Platinum who earned Silver-level credits; a Silver with nothing
    [
      one,
      'platinum until 2027-01-01',
      '2026-05-01 spend 500',
      '2027-01-01',
      'platinum down gold 2027-01-01',
      'gold until 2028-01-01',
    ],
    [
      earned,
      'platinum until 2027-01-01',
      '2026-05-01 spend 500',
      '2027-01-01',
      'platinum down silver 2027-01-01',
      'silver until 2028-01-01',
    ],
    [one, 'silver until 2027-01-01', '', '2027-06-01', 'silver down base 2027-01-01', 'base'],
    [earned, 'silver until 2027-01-01', '', '2027-06-01', 'silver down base 2027-01-01', 'base'],
    [earned, 'platinum until 2027-01-01', '', '2027-06-01', 'platinum down base 2027-01-01', 'base'],
    // several ends at once, in order
    [
      one,
      'platinum until 2027-01-01',
      '',
      '2030-05-05',
      'platinum down gold 2027-01-01; gold down silver 2028-01-01; silver down base 2029-01-01',
      'base',
    ],
    [
      one,
      'platinum until 2027-01-01',
      '2027-03-01 spend 900',
      '2029-05-05',
      'platinum down gold 2027-01-01; gold renewed gold 2028-01-01; gold down silver 2029-01-01',
      'silver until 2030-01-01',
    ],
    // six months on a calendar year: judged by the last year that is over
    [
      monthly,
      'gold until 2027-05-02',
      '2026-05-01 spend 900',
      '2027-05-02',
      'gold renewed gold 2027-05-02',
      'gold until 2027-11-02',
    ],
    [
      monthly,
      'gold until 2027-05-02',
      '2027-05-01 spend 400',
      '2027-05-02',
      'gold down silver 2027-05-02',
      'silver until 2027-11-02',
    ],
    // rolling: the window that ends with the tier
    [
      rolling,
      'gold until 2027-03-01',
      '2026-03-01 spend 900',
      '2027-03-01',
      'gold renewed gold 2027-03-01',
      'gold until 2028-02-29',
    ],
    [
      rolling,
      'gold until 2027-03-01',
      '2026-02-28 spend 900',
      '2027-03-01',
      'gold down silver 2027-03-01',
      'silver until 2028-02-29',
    ],
    [
      rolling,
      'silver until 2027-03-01',
      '2027-02-28 spend 900',
      '2027-03-01',
      'silver renewed silver 2027-03-01; silver up gold 2027-03-01',
      'gold until 2028-03-02',
    ],
    // a tier that newer rules no longer have
    [one, 'diamond until 2030-01-01', '', '2027-01-01', 'diamond down base 2027-01-01', 'base'],
    [
      one,
      'diamond until 2030-01-01',
      '2027-01-01 spend 500',
      '2027-01-01',
      'diamond down base 2027-01-01; base up silver 2027-01-01',
      'silver until 2028-01-01',
    ],
  ]
  for (const [status, from, counted, at, changes, to] of cases) {
    const input = { ...utc, standing: standing(from), counters: rows(counted), at: new Date(at) }
    const assessment = assess(status, input)
    const name = `${from}, ${counted || 'nothing'}, at ${at}`
    t.equal(assessment.changes.map(showChange).join('; '), changes, `${name}: changes`)
    t.equal(show(assessment.standing), to, `${name}: ${to}`)
  }
})

t.test('what a change says', async (t) => {
  const status = ladder({
    tiers: ['base', 'silver: spend 500 | transactions 3', 'gold: spend 900 & miles 50'],
  })
  const input = { ...utc, standing: baseStanding(status, enrolledAt), at: new Date('2026-06-01') }
  const up = assess(status, { ...input, counters: rows('2026-02-01 spend 899.5, 2026-02-01 transactions 4') })
  t.strictSame(up.changes, [
    {
      ladder: 'status',
      from: 'base',
      to: 'silver',
      direction: 'up',
      effectiveAt: new Date('2026-06-01'),
      until: new Date('2027-01-01'),
      reason: 'reached silver: spend 899.5 of 500 or transactions 4 of 3, 2026-01-01 to 2026-12-31',
    },
  ])
  const down = assess(status, {
    ...utc,
    standing: standing('gold until 2027-01-01'),
    counters: rows('2026-02-01 spend 1000, 2026-02-01 miles 49'),
    at: new Date('2027-01-01'),
  })
  t.equal(
    down.changes[0]?.reason,
    'missed gold: spend 1000 of 900 and miles 49 of 50, 2026-01-01 to 2026-12-31',
  )
  t.equal(down.standing.since.toISOString(), '2027-01-01T00:00:00.000Z', 'since the end of the old tier')
})

t.test('renewal keeps the day since which the tier is held', async (t) => {
  const status = ladder(year)
  const input = {
    ...utc,
    standing: standing('gold until 2027-01-01'),
    counters: rows('2026-03-01 spend 900'),
  }
  t.equal(assess(status, { ...input, at: new Date('2027-02-01') }).standing.since, enrolledAt)
})

// Worked example 1, second gate: 50,000 premium points, at least 25,000 of them on own flights.
t.test('two gates', async (t) => {
  const status = ladder({ tiers: ['member', 'platinum: premium 50000 & own 25000'] })
  const cases = [
    ['2026-03-01 premium 52000, 2026-03-01 own 24000', 'member'],
    ['2026-03-01 premium 52000, 2026-03-01 own 25000', 'platinum'],
    ['2026-03-01 premium 49999, 2026-03-01 own 49999', 'member'],
    ['2026-03-01 premium 50000, 2026-03-01 own 24999', 'member'],
  ] as const
  for (const [counted, expected] of cases) {
    const input = { ...utc, standing: baseStanding(status, enrolledAt), at: new Date('2026-06-01') }
    t.equal(assess(status, { ...input, counters: rows(counted) }).standing.tier, expected, counted)
  }
})

t.test('how far back counters are needed', async (t) => {
  const status = ladder(year)
  const cases = [
    ['base', '2028-06-01', '2028-01-01'],
    ['gold until 2029-01-01', '2028-06-01', '2028-01-01'],
    ['gold until 2027-01-01', '2028-06-01', '2026-01-01'],
    ['gold until 2028-06-01', '2028-06-01', '2027-01-01'],
  ] as const
  for (const [from, at, expected] of cases) {
    const input = { ...utc, standing: standing(from), at: new Date(at) }
    t.equal(countersNeededFrom(status, input), expected, `${from} at ${at}`)
  }
})
