/** What is warned of, one example each, and beside it what is so nearly the same but meant. */
import t from 'tap'
import { lint } from '../../src/program/lint.ts'
import { loadProgram } from '../../src/program/load.ts'
import { parseTree } from '../../src/program/tree.ts'
import type { Problem } from '../../src/rules/node.ts'

const head = `program: cafe
timeZone: Europe/Berlin
currencies:
  beans: { value: 0.05 EUR }
  stars: { kind: qualifying }
transactions:
  purchase: { fields: { cabin: [economy, business], own?: boolean } }
  stay: { fields: { nights: integer } }
neverEarn: { line.sku: [POST, DOT] }
tiers: { period: calendar year, ladder: [{ id: guest }, { id: silver, reach: { spend: 500 EUR } }] }
earn:
`
const examples =
  'examples:\n  - { name: x, transaction: { occurredAt: 2026-01-01 }, awards: { a: 1 bean, b: 1 bean } }\n'

function warned(files: Record<string, string>): string {
  const { errors, warnings } = loadProgram(
    new Map(Object.entries({ 'program.examples.yaml': examples, ...files })),
  )
  t.same(errors, [])
  return warnings.map(({ message }) => message).join(' | ')
}

const rule = (when: string, award = '1 bean') =>
  `  - { id: a, on: purchase, when: { ${when} }, award: ${award} }\n`
const line = (when: string) =>
  `  - { id: a, on: purchase, forEach: line, when: { ${when} }, award: 1 bean }\n`
const never = (fact: string) => `the rule "a" can never fire: no "${fact}" meets all that is asked of it`
const always = (fact: string) => `this condition is always true: every "${fact}" meets it`

// Each row is what stands under `earn:`, and what is warned of.
const rows: readonly (readonly [string, string])[] = [
  // a rule that can never fire
  [rule('tier: guest, all: [{ tier: silver }]'), never('tier')],
  [rule('tier: { above: silver }'), never('tier')],
  [rule('tier: { atLeast: silver, not: silver }'), never('tier')],
  [rule('tier: { atLeast: silver }'), ''],
  [rule('net: { above: 20 EUR, below: 10 EUR }'), never('net')],
  [rule('net: { above: 10 EUR, atMost: 10 EUR }'), never('net')],
  [rule('net: { atLeast: 10 EUR, atMost: 10 EUR }'), ''],
  [rule('net: { below: 0 EUR }'), never('net')],
  [rule('quantity: { between: [2, 4], above: 4 }'), never('quantity')],
  [rule('date: { atLeast: 2026-06-01, below: 2026-05-01 }'), never('date')],
  [rule('date: { between: [2026-05-01, 2026-06-01] }'), ''],
  [rule('weekday: [monday, tuesday], all: [{ weekday: friday }]'), never('weekday')],
  [rule('cabin: economy, all: [{ cabin: { not: economy } }]'), never('cabin')],
  [rule('time: { between: ["22:00", "02:00"] }'), ''],
  [
    rule('any: [{ cabin: economy, all: [{ cabin: business }] }, { own: true }]'),
    'this case can never hold: no "cabin" meets it',
  ],
  [rule('where: "false"'), 'the rule "a" can never fire: its condition is false'],
  [line('line.sku: POST'), 'the rule "a" can never fire: "neverEarn" leaves out POST'],
  [line('line.sku: [POST, "1"]'), ''],
  [
    '  - { id: a, on: stay, award: 5 beans }\n  - { id: b, on: purchase, award: beans = 2 * awarded(a) }\n',
    'the rule "b" can never fire: "a" is for stay only',
  ],
  [
    '  - { id: a, on: purchase, award: 5 beans }\n  - { id: b, on: purchase, award: beans = 2 * awarded(a) }\n',
    '',
  ],

  // a condition that is always true
  [rule('tier: { atLeast: guest }'), always('tier')],
  [rule('tier: [guest, silver]'), always('tier')],
  [rule('weekday: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]'), always('weekday')],
  [rule('cabin: [economy, business]'), always('cabin')],
  [rule('own: [true, false]'), ''], // it may be missing
  [rule('net: { atLeast: 0 EUR }'), always('net')],
  [rule('net: { above: 0 EUR }'), ''],
  [rule('where: "true"'), 'this condition is always true'],

  // a limit that never binds
  [
    '  - { id: a, on: purchase, award: 10 beans, limit: 10 beans per transaction }\n',
    'this limit never binds: the rule gives 10 at once, and never more',
  ],
  [
    '  - { id: a, on: purchase, award: 10 beans, limit: { of: 50 beans per transaction, over: refuse } }\n',
    'this limit never binds: the rule gives 10 at once, and never more',
  ],
  ['  - { id: a, on: purchase, award: 10 beans, limit: 9 beans per transaction }\n', ''],
  ['  - { id: a, on: purchase, award: 10 beans, limit: 50 beans per member per month }\n', ''],
  ['  - { id: a, on: purchase, forEach: line, award: 10 beans, limit: 50 beans per transaction }\n', ''],

  // a rule without an example
  ['  - { id: c, on: purchase, award: 10 beans }\n', 'no example shows the rule "c"'],
]

for (const [earn, expected] of rows) {
  t.equal(warned({ 'program.yaml': head + earn }), expected, earn.trim())
}

t.test('a tier that cannot be reached', async (t) => {
  const ladder = (reach: string) => head.replace('spend: 500 EUR', reach) + rule('cabin: economy')
  const told = 'the tier "silver" cannot be reached: no rule gives stars'
  t.equal(warned({ 'program.yaml': ladder('stars: 100') }), told)
  t.equal(warned({ 'program.yaml': ladder('stars: 100, spend: 5 EUR') }), told)
  t.equal(warned({ 'program.yaml': ladder('any: [{ stars: 100 }, { spend: 5 EUR }]') }), '')
  t.equal(warned({ 'program.yaml': ladder('beans: 100') }), '')
})

t.test('a promotion without an end', async (t) => {
  const program = head + rule('cabin: economy')
  const may = (end: string) => `earn:\n  - { id: b, on: purchase, award: 1 bean${end} }\n`
  const told = 'the rule "b" of a campaign never ends'
  t.equal(warned({ 'program.yaml': program, 'campaigns/may.yaml': may('') }), told)
  t.equal(warned({ 'program.yaml': program, 'campaigns/may.yaml': may(', from: 2026-05-01') }), told)
  t.equal(warned({ 'program.yaml': program, 'campaigns/may.yaml': may(', through: 2026-05-31') }), '')
})

t.test('a rule that goes on when nobody can register for its promotion any more', async (t) => {
  const promotions = 'promotions: [{ id: may, from: 2026-05-01, through: 2026-05-31 }]\n'
  const second = '  - { id: b, on: purchase, award: 1 bean }\n'
  const asks = (rest: string) =>
    `${head}  - { id: a, on: purchase, ${rest}, award: 1 bean }\n${second}${promotions}`
  const told = 'the rule "a" goes on after its promotion, for whoever registered in time'
  // Each row: what the rule says, and what is told of it.
  const rows = [
    ['when: { promotion: may }', told],
    ['when: { promotion: [may] }, from: 2026-05-01', told],
    ['when: { promotion: may }, through: 2026-05-31', ''],
    ['when: { promotion: may }, until: 2026-06-15', ''],
    ['when: { promotion: { not: may } }', ''],
  ] as const
  for (const [rest, expected] of rows) t.equal(warned({ 'program.yaml': asks(rest) }), expected, rest)
  const endless = asks('when: { promotion: may }').replace(', through: 2026-05-31', '')
  t.equal(warned({ 'program.yaml': endless }), 'the promotion "may" of a campaign never ends')
})

t.test('a rule that stands behind another one in a group of which the first is taken', async (t) => {
  const shadowed = (rules: string, pick = 'first') => {
    const found: Problem[] = []
    const content = `groups: { offers: ${pick} }\nearn:\n${rules}`
    const top = parseTree({ file: 'program.yaml', content }, (problem) => t.fail(problem.message))
    if (top) lint({ top, examples: [top], program: null }, (problem) => found.push(problem))
    return found.map(({ message }) => message).filter((message) => message.includes('its turn')).length
  }
  const one = (id: string, more: string) =>
    `  - { id: ${id}, group: offers, on: purchase, award: 1 bean${more} }\n`
  t.equal(shadowed(one('a', '') + one('b', ', when: { tier: gold }')), 1)
  t.equal(shadowed(one('b', ', when: { tier: gold }') + one('a', '')), 0)
  t.equal(
    shadowed(one('a', ', when: { tier: [gold, silver] }') + one('b', ', when: { tier: gold, own: true }')),
    1,
  )
  t.equal(shadowed(one('a', ', when: { own: true }') + one('b', ', when: { tier: gold }')), 0)
  t.equal(shadowed(one('a', ', through: 2026-05-31') + one('b', '')), 0)
  t.equal(shadowed(one('a', '') + one('b', ''), 'best'), 0)
})

t.test('where there are errors, what follows from them is not warned of', async (t) => {
  const text =
    head.replace('spend: 500 EUR', 'stars: 100') + rule('cabin: economy', '1 star per 1 EUR of nett')
  const { errors, warnings } = loadProgram(
    new Map([
      ['program.yaml', text],
      ['program.examples.yaml', examples],
    ]),
  )
  t.equal(errors.length, 1)
  t.same(warnings, [])
})

t.test('points written with a separator of thousands are few', async () => {
  const told = (text: string) => `"${text}" is ${Number(text)} here: the point begins the decimals`
  t.equal(warned({ 'program.yaml': head + rule('own: true', '1.000 beans') }), told('1.000'))
  t.equal(warned({ 'program.yaml': head + rule('own: true', 'beans = 2.500 * lines') }), told('2.500'))
  t.equal(warned({ 'program.yaml': head + rule('own: true', '1.25 beans per 1 EUR of net') }), '')
  t.equal(warned({ 'program.yaml': head + rule('own: true', '0.125 beans per 1 EUR of net') }), '')
})

t.test('a tier that stands below one which asks for no more', async () => {
  const ladder = (text: string) => ({
    'program.yaml':
      head.replace('[{ id: guest }, { id: silver, reach: { spend: 500 EUR } }]', text) + rule('own: true'),
  })
  const told = 'the tier "silver" cannot be reached: whoever could have it has "gold" already'
  const rows = [
    [
      '[{ id: guest }, { id: silver, reach: { spend: 800 EUR } }, { id: gold, reach: { spend: 900 EUR } }]',
      '',
    ],
    [
      '[{ id: guest }, { id: silver, reach: { spend: 900 EUR } }, { id: gold, reach: { any: [{ spend: 900 EUR }, { transactions: 5 }] } }]',
      told,
    ],
    [
      '[{ id: guest }, { id: silver, reach: { spend: 900 EUR } }, { id: gold, reach: { spend: 900 EUR, transactions: 5 } }]',
      '',
    ],
  ] as const
  for (const [text, expected] of rows) t.equal(warned(ladder(text)), expected, text)
})
