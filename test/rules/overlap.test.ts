/**
 * Several rules on one transaction: groups of which one rule applies, the order in which rules are
 * evaluated, and limits over several of them. Each row reads: the rules, then what they give.
 */
import t from 'tap'
import { loadProgram } from '../../src/program/load.ts'
import { evaluate } from '../../src/rules/evaluate.ts'
import type { MemberFacts } from '../../src/rules/facts.ts'
import { line, member, shownAwards, transaction, value } from './fixtures.ts'

const basket = [
  line({ lineId: 'a', net: '30', category: 'coffee' }),
  line({ lineId: 'b', net: '10', category: 'cake' }),
]
const flat = (id: string, award: string, rest = '') => `{ id: ${id}, on: purchase, award: ${award}${rest} }`
const perLine = (id: string, award: string, rest = '') =>
  `{ id: ${id}, on: purchase, forEach: line, award: ${award}${rest} }`

t.test('a group lets one of its rules through', async (t) => {
  const rows: [string, string[], string][] = [
    [
      'no group: all of them',
      [flat('first', '5 beans'), flat('second', '7 beans')],
      'first beans 5, second beans 7',
    ],
    [
      'all: all of them',
      [flat('first', '5 beans', ', group: named'), flat('second', '7 beans', ', group: named')],
      'first beans 5, second beans 7',
    ],
    [
      'best: the most points',
      [flat('first', '5 beans', ', group: offers'), flat('second', '7 beans', ', group: offers')],
      'second beans 7',
    ],
    [
      'best among equals: the first',
      [flat('first', '7 beans', ', group: offers'), flat('second', '7 beans', ', group: offers')],
      'first beans 7',
    ],
    [
      'best after its limit',
      [
        flat('first', '50 beans', ', group: offers, limit: 5 beans per transaction'),
        flat('second', '7 beans', ', group: offers'),
      ],
      'second beans 7',
    ],
    [
      'best of those that apply',
      [
        flat('first', '50 beans', ', group: offers, when: { channel: app }'),
        flat('second', '7 beans', ', group: offers'),
      ],
      'second beans 7',
    ],
    [
      'best for the whole basket, over lines',
      [
        perLine('first', '1 bean per 1 EUR of line.net', ', group: offers'),
        perLine('second', '2 beans per 1 EUR of line.net', ', group: offers, when: { line.category: cake }'),
      ],
      'first beans 30@a, first beans 10@b',
    ],
    [
      'best line by line',
      [
        perLine('first', '1 bean per 1 EUR of line.net', ', group: by-line'),
        perLine('second', '2 beans per 1 EUR of line.net', ', group: by-line, when: { line.category: cake }'),
      ],
      'first beans 30@a, second beans 20@b',
    ],
    [
      'first: the first that gives anything',
      [
        flat('first', 'beans = net / 1000 EUR', ', group: steps'),
        flat('second', '5 beans', ', group: steps'),
        flat('later', '9 beans', ', group: steps'),
      ],
      'second beans 5',
    ],
    [
      'exclusive: nothing else on top, wherever it stands',
      [
        flat('first', '5 beans'),
        flat('second', '1 bean', ', group: alone'),
        flat('later', '9 beans', ', group: alone'),
      ],
      'second beans 1',
    ],
    [
      'exclusive that does not apply: everything else',
      [flat('first', '5 beans'), flat('second', '1 bean', ', group: alone, when: { channel: app }')],
      'first beans 5',
    ],
    [
      'exclusive by line: its lines are no longer there for others',
      [
        flat('first', '1 bean per 1 EUR of net'),
        perLine(
          'second',
          '3 beans per 1 EUR of line.net',
          ', group: own-lines, when: { line.category: cake }',
        ),
      ],
      'second beans 30@b, first beans 30',
    ],
    [
      'two groups do not know each other',
      [
        flat('first', '5 beans', ', group: offers'),
        flat('second', '3 beans', ', group: steps'),
        flat('later', '1 bean', ', group: offers'),
      ],
      'first beans 5, second beans 3',
    ],
  ]
  for (const [title, rules, expected] of rows) {
    // Rules are put in their order by the program; here they stand as the program would have them.
    const inGroups = [...rules].sort(
      (a, b) =>
        Number(b.includes('alone') || b.includes('own-')) - Number(a.includes('alone') || a.includes('own-')),
    )
    const adjacent = inGroups.sort((a, b) => groupOf(a, rules) - groupOf(b, rules))
    t.equal(shownAwards(value({ rules: adjacent, transaction: { lines: basket } })), expected, title)
  }
})

/** Where the group of a rule first stands; exclusive ones before all. */
function groupOf(text: string, rules: readonly string[]): number {
  const group = /group: ([a-z-]+)/.exec(text)?.[1]
  if (group === undefined) return rules.indexOf(text)
  if (group === 'alone' || group === 'own-lines') return -1
  return rules.findIndex((rule) => rule.includes(`group: ${group}`))
}

t.test('the trace says which rule of the group came before', async (t) => {
  const { trace } = value({
    rules: [flat('first', '5 beans', ', group: offers'), flat('second', '7 beans', ', group: offers')],
    transaction: { lines: basket },
    explain: true,
  })
  t.equal(
    trace.find(({ rule }) => rule === 'first')?.because,
    'of the group "offers" only one applies, and second gives more',
  )
})

const program = (text: string) => `program: x
timeZone: Europe/Berlin
money: EUR
currencies: { points: { value: 0.01 EUR }, credits: { kind: qualifying } }
transactions: { purchase: { fields: { partner?: [north, south] } } }
members: { segments: [vip, families] }
promotions: [{ id: summer }]
groups: { offers: best, lines: { pick: first, per: line }, alone: exclusive }
${text}`

function load(text: string) {
  const { program: loaded, errors } = loadProgram(new Map([['program.yaml', program(text)]]))
  return {
    loaded,
    told: errors.map(
      ({ line: at, column, message, hint }) => `${at}:${column} ${message}${hint ? ` (${hint})` : ''}`,
    ),
  }
}

interface Asking {
  readonly used?: Record<string, bigint>
  readonly who?: Partial<MemberFacts>
  readonly attributes?: Record<string, string>
  readonly at?: string
}

function given(text: string, { used = {}, who = {}, attributes = {}, at }: Asking = {}) {
  const { loaded, told } = load(text)
  if (!loaded) throw new Error(told.join('; '))
  const valuation = evaluate(loaded.rules, {
    transaction: transaction({ lines: [line({ net: '40' })], attributes, ...(at && { at }) }),
    member: { ...member(), tiers: new Map(), ...who },
    used: (limit, period) => used[`${limit} ${period}`] ?? 0n,
  })
  return { shown: shownAwards(valuation), uses: valuation.uses }
}

t.test('a rule that builds on another one comes after it, wherever it stands', async (t) => {
  const rules = `earn:
  - { id: bonus, on: purchase, award: points = awarded(tens) * 2 + awarded(base) }
  - { id: tens, on: purchase, award: points = awarded(base) / 10 }
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }`
  t.equal(given(rules).shown, 'base points 40, tens points 4, bonus points 48')
})

t.test('what is wrong with groups, orders and limits over rules', async (t) => {
  const rule = (id: string, rest: string) => `  - { id: ${id}, on: purchase, ${rest} }`
  const one = '  - { id: base, on: purchase, award: 5 points }'
  const rows: [string, string[]][] = [
    [
      `earn:\n${rule('a', 'award: points = awarded(b)')}\n${rule('b', 'award: points = awarded(c)')}\n${rule('c', 'award: points = awarded(a)')}`,
      ['12:11 rules build on one another in a circle: a -> b -> c -> a'],
    ],
    [
      `earn:\n${rule('a', 'group: offers, award: points = awarded(b)')}\n${rule('b', 'group: offers, award: 1 point')}`,
      [`10:11 rules of the group "offers" can't build on one another`],
    ],
    [
      `earn:\n${rule('a', 'group: alone, award: points = awarded(b)')}\n${rule('b', 'award: 1 point')}`,
      [`10:35 the group "alone" comes before all other rules, so it can't build on what they awarded`],
    ],
    [
      `earn:\n${rule('a', 'group: offer, award: 1 point')}`,
      ['10:35 there is no group "offer" (did you mean "offers"?)'],
    ],
    [
      `earn:\n${rule('a', 'group: lines, award: 1 point')}`,
      ['10:35 the group "lines" picks line by line, so its rules need `forEach: line`'],
    ],
    [
      `earn:\n${rule('a', 'group: offers, award: [1 point, 1 credit]')}`,
      ['10:35 the group "offers" picks the rule that gives most, so its rules give one currency'],
    ],
    [
      `earn:\n${rule('a', 'group: offers, award: 1 point')}\n${rule('b', 'group: offers, award: 1 credit')}`,
      ['11:11 the group "offers" compares points, and this rule gives credits'],
    ],
    [
      `earn:\n${one}\nlimits: [{ id: cap, of: 5 point per day }]`,
      [
        '11:37 unexpected "day", expected "transaction", "member" or "household" (say whose it is: per member per day)',
      ],
    ],
    [
      `earn:\n${one}\nlimits: [{ id: cap, of: 5 points per transaction, rules: bass }]`,
      ['11:58 there is no rule "bass" (did you mean "base"?)'],
    ],
    [
      `earn:\n${one}\nlimits: [{ id: cap, of: 5 credits per transaction }]`,
      ['11:10 no rule that this limit is for gives credits'],
    ],
    [
      `earn:\n${one}\nlimits: [{ id: cap, of: 5 points per member ever, by: parner }]`,
      ['11:55 unknown fact "parner" (did you mean "partner"?)'],
    ],
    [
      `earn:\n${one}\nlimits: [{ id: cap, of: 5 points per member ever }, { id: cap, of: 6 points per member ever }]`,
      ['11:59 the limit "cap" stands twice'],
    ],
    [
      `earn:\n${rule('a', 'when: { segment: vips }, award: 1 point')}`,
      ['10:45 "vips" is not one of vip, families (did you mean "vip"?)'],
    ],
    [
      `earn:\n${rule('a', 'when: { promotion: winter }, award: 1 point')}`,
      ['10:47 "winter" is not one of summer'],
    ],
    [
      `earn:\n${rule('a', 'when: { segment: { above: vip } }, award: 1 point')}`,
      ['10:47 "above" needs an order, and "segment" is a list of names (use is, not, in, notIn)'],
    ],
    [
      `earn:\n${rule('a', `when: { where: "segment == 'vip'" }, award: 1 point`)}`,
      [`10:44 these are several names at once (write 'name' in …)`],
    ],
  ]
  for (const [text, expected] of rows) {
    const { told } = load(text)
    t.same(told, expected, text)
  }
})

t.test('limits over several rules', async (t) => {
  const two = `earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: more, on: purchase, award: 30 points }
`
  const rows: [string, Asking, string, string][] = [
    ['of: 50 points per transaction', {}, 'base points 40, more points 10', ''],
    ['of: 50 points per member per month', {}, 'base points 40, more points 10', '*cap 2026-03-01 50'],
    [
      'of: 50 points per member per month',
      { used: { '*cap 2026-03-01': 45n } },
      'base points 5',
      '*cap 2026-03-01 5',
    ],
    [
      'of: 50 points per member per month, rules: more',
      {},
      'base points 40, more points 30',
      '*cap 2026-03-01 30',
    ],
    ['of: 50 points in all', { used: { '*cap 0001-01-01': 20n } }, 'base points 30', '*cap! 0001-01-01 30'],
    ['of: 50 points in all per day', {}, 'base points 40, more points 10', '*cap! 2026-03-17 50'],
    ['of: 50 points per member per day, when: { partner: north }', {}, 'base points 40, more points 30', ''],
    [
      'of: 50 points per member per day, when: { partner: north }',
      { attributes: { partner: 'north' } },
      'base points 40, more points 10',
      '*cap 2026-03-17 50',
    ],
    [
      'of: 50 points per member per day, by: partner',
      { attributes: { partner: 'south' }, used: { '*cap/north 2026-03-17': 50n } },
      'base points 40, more points 10',
      '*cap/south 2026-03-17 50',
    ],
    // enrolled on 20 June: the membership year of March began last June
    [
      'of: 50 points per member per membership year',
      { who: { enrolledAt: new Date('2020-06-20T10:00:00Z') } },
      'base points 40, more points 10',
      '*cap 2025-06-20 50',
    ],
  ]
  for (const [limit, asking, expected, used] of rows) {
    const { shown, uses } = given(`${two}limits: [{ id: cap, ${limit} }]`, asking)
    t.equal(shown, expected, limit)
    const usage = uses.map(
      ({ limit: name, shared, period, points }) => `${name}${shared ? '!' : ''} ${period} ${points}`,
    )
    t.equal(usage.join(', '), used, limit)
  }
  const list = `earn:\n  - { id: base, on: purchase, award: 1 point per 1 EUR of net, limit: [30 points per member per day, 100 points in all per year] }`
  t.equal(
    given(list, { used: { 'base#2 2026-01-01': 80n } }).shown,
    'base points 20',
    'the tighter of two limits',
  )
  t.equal(given(list, { used: { 'base 2026-03-17': 29n } }).shown, 'base points 1', 'the other one')
})

t.test('segments and promotions, of which a member has several at once', async (t) => {
  const rule = (when: string) => `earn:\n  - { id: base, on: purchase, when: { ${when} }, award: 5 points }`
  const rows: [string, Partial<MemberFacts>, boolean][] = [
    ['segment: vip', {}, false],
    ['segment: vip', { segments: ['families', 'vip'] }, true],
    ['segment: [vip, families]', { segments: ['families'] }, true],
    ['segment: { not: vip }', {}, true],
    ['segment: { not: vip }', { segments: ['families', 'vip'] }, false],
    ['segment: { notIn: [vip, families] }', { segments: ['families'] }, false],
    ['where: "\'vip\' in segment and net > 10 EUR"', { segments: ['vip'] }, true],
    ['where: "\'vip\' in segment"', { segments: ['families'] }, false],
    ['promotion: summer', {}, false],
    ['promotion: summer', { promotions: ['summer'] }, true],
  ]
  for (const [when, who, fires] of rows)
    t.equal(given(rule(when), { who }).shown, fires ? 'base points 5' : '', when)
})

t.test('names with hyphens, between backticks', async (t) => {
  const text = `tables: { night-rates: { north: { base-rate: 2 }, south: { base-rate: 3 } } }
earn:
  - { id: base, on: purchase, award: 'points = 10 * \`night-rates\`[partner].\`base-rate\`' }`
  t.equal(given(text, { attributes: { partner: 'south' } }).shown, 'base points 30')
  t.same(load(text.replaceAll('`', '')).told, [
    '11:53 unknown name "night" (write `night-rates`[…], between backticks)',
    '11:59 there is no table "rates" (did you mean "night-rates"?)',
    '11:79 unknown name "rate" (did you mean "date"?)',
  ])
})
