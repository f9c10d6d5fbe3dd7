/**
 * Limits: what they let through, what they count as used and in which period, across the ends of periods in
 * the program's zone; and windows of rules.
 */
import t from 'tap'
import { checkRule, line, rule, shownAwards, value } from './fixtures.ts'

const lines = [
  line({ lineId: 'a', net: '30' }),
  line({ lineId: 'b', net: '30' }),
  line({ lineId: 'c', net: '30' }),
]
const text = (limit: string) =>
  `{ id: rule, on: purchase, forEach: line, award: 1 bean per 1 EUR of line.net, limit: ${limit} }`

t.test('trims what goes beyond', async (t) => {
  // the limit; beans used before; what each line gives, and what is used in all
  const rows = [
    ['100 beans per member per month', 0n, '30@a 30@b 30@c', '90'],
    ['90 beans per member per month', 0n, '30@a 30@b 30@c', '90'],
    ['50 beans per member per month', 0n, '30@a 20@b', '50'],
    ['50 beans per member per month', 49n, '1@a', '1'],
    ['50 beans per member per month', 50n, '', ''],
    ['50 beans per member per month', 60n, '', ''],
    ['1 bean per member ever', 0n, '1@a', '1'],
    ['50 beans per transaction', 999n, '30@a 20@b', ''],
    ['{ of: 50 beans per transaction }', 0n, '30@a 20@b', ''],
    ['{ of: 50 beans per transaction, over: trim }', 0n, '30@a 20@b', ''],
  ] as const
  for (const [limit, before, given, taken] of rows) {
    const { awards, uses } = value({ rules: [text(limit)], transaction: { lines }, used: () => before })
    t.equal(
      awards.map(({ points, lineId }) => `${points}@${lineId}`).join(' '),
      given,
      `${limit} after ${before}`,
    )
    t.equal(uses.map(({ points }) => String(points)).join(' '), taken, `${limit} after ${before}`)
  }
})

t.test(
  'counts times: a transaction gives all or nothing, and is one time however many lines give',
  async (t) => {
    // the limit; times used before; what each line gives, and what is used in all
    const rows = [
      ['once per member ever', 0n, '30@a 30@b 30@c', '1'],
      ['once per member ever', 1n, '', ''],
      ['twice per member per week', 1n, '30@a 30@b 30@c', '1'],
      ['twice per member per week', 2n, '', ''],
      ['1 time per member per day', 0n, '30@a 30@b 30@c', '1'],
      ['3 times in all', 2n, '30@a 30@b 30@c', '1'],
      ['3 times in all per month', 3n, '', ''],
      ['[once per member per day, 40 beans per transaction]', 0n, '30@a 10@b', '1'],
      ['[40 beans per member per day, once per member per day]', 1n, '', ''],
    ] as const
    for (const [limit, before, given, taken] of rows) {
      const used = (name: string) => (name.startsWith('times/') ? before : 0n)
      const { awards, uses } = value({ rules: [text(limit)], transaction: { lines }, used })
      const what = `${limit} after ${before}`
      t.equal(awards.map(({ points, lineId }) => `${points}@${lineId}`).join(' '), given, what)
      const times = uses.filter((use) => use.limit.startsWith('times/'))
      t.equal(times.map(({ points }) => String(points)).join(' '), taken, what)
    }
  },
)

t.test('what was counted in points is not what is counted in times', async (t) => {
  const used = (name: string) => (name === 'rule' ? 1000n : 0n)
  t.equal(value({ rules: [text('once per member ever')], transaction: { lines }, used }).awards.length, 3)
})

t.test('a time is of all currencies of the rule, and may refuse', async (t) => {
  const both =
    '{ id: rule, on: purchase, award: [80 beans, 80 miles], limit: { of: once per member ever, over: refuse } }'
  const { awards, uses } = value({ rules: [both], transaction: {} })
  t.same(
    awards.map(({ currency, points }) => `${currency} ${points}`),
    ['beans 80', 'miles 80'],
  )
  t.same(uses, [{ limit: 'times/rule', shared: false, period: '0001-01-01', points: 1n }])
  t.throws(() => value({ rules: [both], transaction: {}, used: () => 1n }), { code: 'limit_reached' })
})

t.test('the trace and the explanation say what was cut', async (t) => {
  const rules = [text('50 beans per member per month')]
  const { awards, trace } = value({ rules, transaction: { lines }, explain: true })
  t.same(
    trace.map(({ fired, trimmed }) => [fired, trimmed]),
    [
      [true, undefined],
      [true, 10],
      [true, 30],
    ],
  )
  t.equal(
    awards[1]?.explanation,
    '1 bean per 1 EUR of 30.00 EUR line.net, cut to 20 by the limit of 50 beans per member per month',
  )
})

t.test('refuses where the rule says so', async (t) => {
  const limit = (size: number) => `{ of: ${size} beans per member per month, over: refuse }`
  t.equal(value({ rules: [text(limit(90))], transaction: { lines } }).awards.length, 3)
  t.throws(() => value({ rules: [text(limit(89))], transaction: { lines } }), {
    code: 'limit_reached',
    details: { rule: 'rule', limit: '89 beans per member per month' },
  })
})

t.test('what the limit cut is not there for later rules', async (t) => {
  const rules = [
    text('50 beans per transaction').replace('id: rule', 'id: first'),
    '{ id: rule, on: purchase, award: "miles = awarded(first)" }',
  ]
  t.equal(
    shownAwards(value({ rules, transaction: { lines } })),
    'first beans 30@a, first beans 20@b, rule miles 50',
  )
})

t.test('a limit is on its own currency', async (t) => {
  const both = '{ id: rule, on: purchase, award: [80 beans, 80 miles], limit: 50 miles per member ever }'
  const { awards, uses } = value({ rules: [both], transaction: {} })
  t.same(
    awards.map(({ currency, points }) => `${currency} ${points}`),
    ['beans 80', 'miles 50'],
  )
  t.same(uses, [{ limit: 'rule', shared: false, period: '0001-01-01', points: 50n }])
})

t.test("periods begin in the program's zone", async (t) => {
  // Berlin is an hour ahead of UTC in winter, two in summer
  const rows = [
    ['day', '2026-03-16T22:59:59Z', '2026-03-16'],
    ['day', '2026-03-16T23:00:00Z', '2026-03-17'],
    ['day', '2026-06-30T22:00:00Z', '2026-07-01'],
    ['week', '2026-03-15T22:59:59Z', '2026-03-09'],
    ['week', '2026-03-15T23:00:00Z', '2026-03-16'],
    ['month', '2026-02-28T22:59:59Z', '2026-02-01'],
    ['month', '2026-02-28T23:00:00Z', '2026-03-01'],
    ['quarter', '2026-06-30T21:59:59Z', '2026-04-01'],
    ['quarter', '2026-06-30T22:00:00Z', '2026-07-01'],
    ['year', '2026-12-31T22:59:59Z', '2026-01-01'],
    ['year', '2026-12-31T23:00:00Z', '2027-01-01'],
  ] as const
  for (const [unit, at, period] of rows) {
    const asked: string[] = []
    const { uses } = value({
      rules: [text(`50 beans per member per ${unit}`)],
      transaction: { lines, at },
      used: (limit, of) => {
        asked.push(`${limit} ${of}`)
        return 0n
      },
    })
    t.same(asked, [`rule ${period}`], `${unit} at ${at}`)
    t.same(uses, [{ limit: 'rule', shared: false, period, points: 50n }])
  }
})

t.test('a limit is used up in one period, and whole in the next', async (t) => {
  const used = (_limit: string, period: string) => (period === '2026-02-01' ? 50n : 0n)
  const rules = [text('50 beans per member per month')]
  t.equal(value({ rules, transaction: { lines, at: '2026-02-28T23:59:59+01:00' }, used }).awards.length, 0)
  t.equal(value({ rules, transaction: { lines, at: '2026-03-01T00:00:00+01:00' }, used }).awards.length, 2)
})

t.test('wrong limits', async (t) => {
  const periods =
    '"per day", "per week", "per month", "per quarter", "per year", "per membership year" or "ever"'
  const rows = [
    ['beans', 'limit+0: unexpected "beans", expected a whole number of points'],
    ['0 beans per member ever', 'limit+0: a limit is from 1 to 9007199254740991'],
    ['1.5 beans per member ever', 'limit+0: unexpected "1.5", expected a whole number of points'],
    ['50', 'limit+2: the text ends here, expected a currency'],
    ['50 been per member ever', 'limit+3: unknown currency "been" (did you mean "beans"?)'],
    ['50 beans', 'limit+8: the text ends here, expected "per" or "in all"'],
    [
      '50 beans per tribe ever',
      'limit+13: unexpected "tribe", expected "transaction", "member" or "household"',
    ],
    [
      '50 beans per household ever',
      'limit+13: this program has no households (members form households in pools: write `pools: { members: 8 }`)',
    ],
    ['50 beans per transaction per day', 'limit+25: unexpected "per", expected nothing more'],
    ['50 beans per member', `limit+19: the text ends here, expected ${periods} (for good, write ever)`],
    [
      '50 beans per member per moth',
      `limit+24: unexpected "moth", expected ${periods} (did you mean "month"?)`,
    ],
    ['50 beans per member per month please', 'limit+30: unexpected "please", expected nothing more'],
    ['50 miles per member ever', 'limit: the limit is in miles, the rule gives beans'],
    ['[]', 'limit: expected a limit such as "50 points per member per month"'],
    ['[1]', 'limit[0]+1: the text ends here, expected a currency'],
    ['[[1]]', 'limit[0]: expected a limit such as "50 points per member per month"'],
    [
      '[5 beans per transaction, 9 miles per transaction]',
      'limit[1]: the limit is in miles, the rule gives beans',
    ],
    [
      'once per transaction',
      'limit+5: times are of transactions (write per member per day, or so many points)',
    ],
    ['3 visits per member ever', 'limit+2: unknown currency "visits" (write 3 times)'],
    ['3 per member ever', 'limit+2: unknown currency "per" (say of what: 3 beans, or 3 times)'],
    ['0 times per member ever', 'limit+0: a limit is from 1 to 9007199254740991'],
    ['once per member', `limit+15: the text ends here, expected ${periods} (for good, write ever)`],
    ['50 beans in', 'limit+11: the text ends here, expected "all"'],
    [
      '50 beans in all per membership year',
      'limit+0: membership years differ from member to member (say per year, or per member)',
    ],
    [
      '{ over: trim }',
      'limit: expected a limit such as "50 points per member per month" (write { of: 50 points per member per month, over: trim })',
    ],
    ['{ of: 5 beans per transaction, over: cut }', 'limit.over: expected trim or refuse'],
    ['{ of: 5 beans per transaction, ovr: trim }', 'limit.ovr: unknown key "ovr" (did you mean "over"?)'],
  ] as const
  for (const [limit, expected] of rows) {
    const { value: compiled, problems } = checkRule(text(limit))
    t.equal(problems.join('|'), expected, limit)
    t.equal(compiled, null)
  }
})

t.test('a rule is in force from its first instant to just before its last', async (t) => {
  const rows = [
    ['from: 2026-03-01', '2026-02-28T23:59:59.999+01:00', 'the rule had not begun yet'],
    ['from: 2026-03-01', '2026-03-01T00:00:00+01:00', 'yes'],
    ['until: 2026-03-01', '2026-02-28T23:59:59.999+01:00', 'yes'],
    ['until: 2026-03-01', '2026-03-01T00:00:00+01:00', 'the rule had ended'],
    ['through: 2026-03-01', '2026-03-01T23:59:59.999+01:00', 'yes'],
    ['through: 2026-03-01', '2026-03-02T00:00:00+01:00', 'the rule had ended'],
    ['from: 2026-03-01T18:00:00Z', '2026-03-01T18:59:59+01:00', 'the rule had not begun yet'],
    ['from: 2026-03-01T18:00:00Z', '2026-03-01T19:00:00+01:00', 'yes'],
    // the day on which clocks go forward is 23 hours long, and all of it counts
    ['from: 2026-03-29, through: 2026-03-29', '2026-03-28T23:00:00Z', 'yes'],
    ['from: 2026-03-29, through: 2026-03-29', '2026-03-29T21:59:59Z', 'yes'],
    ['from: 2026-03-29, through: 2026-03-29', '2026-03-29T22:00:00Z', 'the rule had ended'],
  ] as const
  for (const [window, at, expected] of rows) {
    const rules = [`{ id: rule, on: purchase, ${window}, award: 1 bean }`]
    const { trace } = value({ rules, transaction: { at }, explain: true })
    t.equal(trace[0]?.because ?? 'yes', expected, `${window} at ${at}`)
  }
})

t.test('wrong rules', async (t) => {
  const when = 'expected a day such as 2026-12-24, or an instant such as 2026-12-24T18:00:00+01:00'
  const rows = [
    ['{ on: purchase, award: 1 bean }', ': a rule needs an id, such as `id: base`'],
    ['{ id: rule, award: 1 bean }', ': a rule needs a type of transaction: on: purchase'],
    [
      '{ id: rule, on: purchse, award: 1 bean }',
      'on: unknown transaction type "purchse" (did you mean "purchase"?)',
    ],
    [
      '{ id: rule, on: [purchase, flght], award: 1 bean }',
      'on[1]: unknown transaction type "flght" (did you mean "flight"?)',
    ],
    ['{ id: rule, on: purchase }', ': expected an award such as "1 point per 1 EUR of net"'],
    ['{ id: rule, on: purchase, award: [] }', 'award: expected an award such as "1 point per 1 EUR of net"'],
    [
      '{ id: rule, on: purchase, award: { beans: 1 } }',
      'award: expected an award such as "1 point per 1 EUR of net"',
    ],
    ['{ id: rule, on: purchase, award: 1 bean, forEach: item }', 'forEach: expected `forEach: line`'],
    [
      '{ id: rule, on: purchase, award: 1 bean, round: flor }',
      'round: expected floor, half_up, half_even, ceil (did you mean "floor"?)',
    ],
    ['{ id: rule, on: purchase, award: 1 bean, from: soon }', `from: ${when}`],
    ['{ id: rule, on: purchase, award: 1 bean, from: 2026-02-30 }', `from: ${when} (that month has 28 days)`],
    [
      '{ id: rule, on: purchase, award: 1 bean, until: 2026-02-20T10:00 }',
      `until: ${when} (say the zone, such as Z or +01:00, at its end)`,
    ],
    [
      '{ id: rule, on: purchase, award: 1 bean, through: 2026-02-20T10:00:00Z }',
      'through: expected the last day, such as 2026-12-24',
    ],
    [
      '{ id: rule, on: purchase, award: 1 bean, until: 2026-02-20, through: 2026-02-20 }',
      'through: "until" and "through" say the same thing (keep one of them)',
    ],
    [
      '{ id: rule, on: purchase, award: 1 bean, from: 2026-02-20, until: 2026-02-20 }',
      'until: this ends before it begins',
    ],
    [
      '{ id: rule, on: purchase, award: 1 bean, from: 2026-02-21, through: 2026-02-20 }',
      'through: this ends before it begins',
    ],
  ] as const
  for (const [text, expected] of rows) {
    const { value: compiled, problems } = checkRule(text)
    t.equal(problems.join('|'), expected, text)
    t.equal(compiled, null)
  }
})

t.test('a compiled rule says what it is', async (t) => {
  const compiled = rule(
    '{ id: rule, name: Weekend, on: [purchase, flight, purchase], from: 2026-03-01, through: 2026-03-31, award: 1 bean }',
  )
  t.match(compiled, {
    id: 'rule',
    name: 'Weekend',
    on: ['purchase', 'flight'],
    perLine: false,
    from: new Date('2026-02-28T23:00:00Z'),
    until: new Date('2026-03-31T22:00:00Z'),
  })
})
