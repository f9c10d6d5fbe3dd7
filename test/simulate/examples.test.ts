/** The example runner: what passes, what fails and how it is told, and what is no example at all. */
import t from 'tap'
import { loadProgram } from '../../src/program/load.ts'
import { runExamples } from '../../src/simulate/examples.ts'

const source = `
program: cafe
timeZone: Europe/Berlin
currencies:
  beans: { value: 0.05 EUR }
transactions:
  purchase: { fields: { "table?": text, "guests?": integer } }
members: { attributes: { "staff?": boolean } }
earn:
  - { id: base, on: purchase, award: 1 bean per 1 EUR of net }
  - { id: party, on: purchase, when: { guests: { atLeast: 4 } }, award: 10 beans, limit: 15 beans per member per month }
  - { id: staff, on: purchase, when: { member.staff: true }, award: 1 bean }
  - { id: seat, on: purchase, when: { table: "07" }, award: 5 beans }
  - id: once
    on: purchase
    when: { channel: gift }
    award: 100 beans
    limit: { of: 100 beans per member per year, over: refuse }
tiers:
  period: calendar year
  ladder:
    - id: guest
    - { id: regular, reach: { spend: 100 EUR, transactions: 2 } }
`

function run(examples: string) {
  const files = new Map([
    ['program.yaml', source],
    ['cafe.examples.yaml', `examples:\n${examples}`],
  ])
  const { program, errors } = loadProgram(files)
  if (!program) throw new Error(JSON.stringify(errors))
  return runExamples(program, files)
}

const sale = (rest = '') => `transaction: { occurredAt: 2026-03-03T09:00, lines: [{ net: 12.50 }]${rest} }`

// Each row: the example, and what differs ('': it passes).
const rows = [
  [`- { name: x, ${sale()}, awards: { base: 12 beans } }`, ''],
  [`- { name: x, ${sale()}, awards: { base: [10 beans, 2 beans] } }`, ''],
  [`- { name: x, ${sale()}, totals: 12 beans }`, ''],
  [`- { name: x, ${sale()}, awards: { base: 13 beans } }`, 'base: expected 13 beans, got 12 beans'],
  [`- { name: x, ${sale()}, awards: {} }`, 'base: expected nothing, got 12 beans'],
  [
    `- { name: x, ${sale()}, awards: { base: 12 beans, party: 10 beans } }`,
    'party: expected 10 beans, got nothing',
  ],
  [`- { name: x, ${sale()}, totals: 13 beans }`, 'in all: expected 13 beans, got 12 beans'],
  [`- { name: x, ${sale(', attributes: { guests: 4 }')}, awards: { base: 12 beans, party: 10 beans } }`, ''],
  // a declared text keeps its zero
  [`- { name: x, ${sale(', attributes: { table: 07 }')}, awards: { base: 12 beans, seat: 5 beans } }`, ''],
  [`- { name: x, member: { attributes: { staff: true } }, ${sale()}, totals: 13 beans }`, ''],
  [`- { name: x, ${sale()}, tier: guest }`, ''],
  [`- { name: x, ${sale()}, tier: regular }`, 'tier: expected regular, got guest'],
  [`- { name: x, member: { tier: regular }, ${sale()}, tier: { main: regular } }`, ''],
  [
    `- { name: x, ${sale()}, refused: limit_reached }`,
    'expected limit_reached, but the transaction was taken',
  ],
] as const

for (const [example, expected] of rows) {
  t.test(`${example.slice(0, 80)} -> ${expected || 'passes'}`, async (t) => {
    const { passed, failed, errors } = run(`  ${example}\n`)
    t.same(errors, [])
    t.equal(failed.flatMap(({ differences }) => differences).join(' | '), expected)
    t.equal(passed, expected === '' ? 1 : 0)
  })
}

const party = (day: string, expected: string) =>
  `      - { transaction: { occurredAt: ${day}, lines: [{ net: 50 }], attributes: { guests: 5 } }, ${expected} }\n`

t.test('steps share a member: limits are used up, counters and tiers go on', async (t) => {
  const { passed, failed, errors } = run(
    [
      '  - name: two parties in March, one in April\n    steps:\n',
      party('2026-03-03', 'awards: { base: 50 beans, party: 10 beans }, tier: guest'),
      party('2026-03-31T23:59', 'awards: { base: 50 beans, party: 5 beans }, tier: regular'),
      party('2026-04-01', 'awards: { base: 50 beans, party: 10 beans }, tier: regular'),
      // kept to the end of the next calendar year, not longer
      party('2027-12-31T23:59', 'awards: { base: 50 beans, party: 10 beans }, tier: regular'),
      party('2028-01-01', 'awards: { base: 50 beans, party: 10 beans }, tier: guest'),
      '  - name: a new member starts anew\n    steps:\n',
      party('2026-03-03', 'awards: { base: 50 beans, party: 10 beans }'),
    ].join(''),
  )
  t.same(errors, [])
  t.same(failed, [])
  t.equal(passed, 2)
})

t.test('a refusal can be what must come, and changes nothing', async (t) => {
  const gift = 'transaction: { occurredAt: 2026-03-03, channel: gift }'
  const { passed, failed } = run(
    [
      '  - name: a gift a year\n    steps:\n',
      `      - { ${gift}, awards: { once: 100 beans } }\n`,
      `      - { ${gift}, refused: limit_reached, tier: guest }\n`,
      '  - name: a gift too many\n    steps:\n',
      `      - { ${gift}, awards: { once: 100 beans } }\n`,
      `      - { ${gift}, awards: {} }\n`,
    ].join(''),
  )
  t.equal(passed, 1)
  t.match(failed, [
    {
      name: 'a gift too many',
      line: 9,
      differences: ['expected the transaction to be taken, got limit_reached'],
    },
  ])
})

t.test('a failure names its place and tells rule by rule what happened', async (t) => {
  const { failed } = run(
    `  - name: fine\n    ${sale()}\n    totals: 12 beans\n  - name: wrong\n    ${sale()}\n    totals: 1 bean\n`,
  )
  t.equal(failed.length, 1)
  const [failure] = failed
  t.match(failure, { name: 'wrong', file: 'cafe.examples.yaml', line: 5, column: 5 })
  t.match(failure!.trace[0], /^base: 12 beans, .*12\.50 EUR/)
  t.ok(failure!.trace.some((line) => /^party: nothing, because ./.test(line)))
  t.ok(failure!.trace.some((line) => /^staff: nothing, because ./.test(line)))
})

t.test('balances follow the engine: what is pending, lapses, is spent and is limited in all', async (t) => {
  const text = `program: p
timeZone: Europe/Berlin
currencies: { beans: { value: 0.05 EUR, pending: 7 days, expires: 1 month } }
partners: [north]
pools: { members: 2 }
earn:
  - { id: base, on: purchase, funder: north, award: 1 bean per 1 EUR of net }
  - { id: gift, on: purchase, award: 30 beans, limit: [40 beans per household ever, 35 beans in all] }
`
  const sold = (day: string, more = '') =>
    `{ transaction: { occurredAt: 2026-${day}T09:00, lines: [{ net: 10 }] }${more} }`
  const examples = (steps: string) =>
    new Map([['p.examples.yaml', `examples: [{ name: x, steps: [${steps}] }]\n`]])
  const { program } = loadProgram(new Map([['program.yaml', text]]))
  const rows = [
    [sold('03-02', ', balance: 1 bean'), ['balance: expected 1 beans, got 0 beans']],
    [
      `${sold('03-02', ', paidBy: { program: 30 beans }')}`,
      ['paid by north: expected nothing, got 10 beans'],
    ],
    [`${sold('03-02', ', totals: 40 beans')}, { at: 2026-03-10, balance: 40 beans }`, []],
    [`${sold('03-02', ', totals: 40 beans')}, { at: 2026-04-03, balance: 0 beans }`, []],
    [
      `${sold('03-02', ', totals: 40 beans')}, { at: 2026-03-10, redeem: 50 beans, refused: insufficient_points }`,
      [],
    ],
    [
      `${sold('03-02', ', totals: 40 beans')}, { at: 2026-03-10, redeem: 50 beans, balance: 0 beans }`,
      ['expected the transaction to be taken, got insufficient_points'],
    ],
    [
      `${sold('03-02', ', totals: 40 beans')}, ${sold('03-03', ', by: housemate, awards: { base: 10 beans, gift: 5 beans }')}, { at: 2026-03-11, by: housemate, balance: 15 beans }`,
      [],
    ],
  ] as const
  for (const [steps, differences] of rows) {
    const { failed, errors } = runExamples(program!, examples(steps))
    t.same(errors, [], steps)
    t.same(
      failed.flatMap((one) => one.differences),
      differences,
      steps,
    )
  }
})

// Each row: the example, and the text that the error points at ⇒ what it says.
const wrong = [
  [`- { ${sale()}, totals: 1 bean }`, '{ transaction ⇒ "name" is missing'],
  ['- { name: x, totals: 1 bean }', '{ name: x ⇒ an example has either a "transaction" or "steps"'],
  [`- { name: x, ${sale()} }`, '{ name: x ⇒ the example does not say what must come of it'],
  [`- { name: x, ${sale()}, awards: { bace: 1 bean } }`, 'bace: 1 ⇒ there is no rule "bace"'],
  [`- { name: x, ${sale()}, awards: { base: 1 been } }`, 'been } ⇒ unknown currency "been"'],
  [`- { name: x, ${sale()}, tier: regulra }`, 'regulra ⇒ there is no tier "regulra"'],
  [
    `- { name: x, ${sale(', attributes: { guest: 1 }')}, totals: 1 bean }`,
    'guest: 1 ⇒ "guest" is not declared',
  ],
  [
    `- { name: x, ${sale(', attributes: { guests: 1.5 }')}, totals: 1 bean }`,
    '1.5 ⇒ expected a whole number',
  ],
  [`- { name: x, ${sale(', type: sale')}, totals: 1 bean }`, 'sale ⇒ unknown transaction type'],
  ['- { name: x, transaction: { occurredAt: today }, totals: 1 bean }', 'today ⇒ expected a time such as'],
  [
    '- { name: x, transaction: { occurredAt: 2026-02-30 }, totals: 1 bean }',
    '2026-02-30 ⇒ expected a time such as',
  ],
  [
    '- { name: x, transaction: { occurredAt: 2026-03-03, lines: [{ net: 5 EUR }] }, totals: 1 bean }',
    '5 EUR ⇒ expected an amount such as 12.50, without a currency; got "5 EUR"',
  ],
  [
    '- { name: x, transaction: { occurredAt: 2026-03-03, lines: [{ net: -5 }] }, totals: 1 bean }',
    '-5 ⇒ amount out of range',
  ],
  [
    '- { name: x, steps: [{ transaction: { occurredAt: 2026-03-03 }, tier: guest }, { transaction: { occurredAt: 2026-03-02 }, tier: guest }] }',
    '{ transaction: { occurredAt: 2026-03-02 ⇒ steps stand in order of time: this one comes before the one above it',
  ],
  [`- { name: x, ${sale()}, balance: 5 been }`, 'been } ⇒ unknown currency "been"'],
  [`- { name: x, ${sale()}, paidBy: { market: 5 beans } }`, 'market: 5 ⇒ there is no partner "market"'],
  [
    `- { name: x, steps: [{ ${sale()}, redeem: 5 beans, totals: 1 bean }] }`,
    '5 beans, totals ⇒ say when: a step that redeems has "at" and no transaction',
  ],
] as const

// Structure is told of when the program is loaded; run on its own, the runner tells of it all the same.
const { program } = loadProgram(new Map([['program.yaml', source]]))
for (const [example, expected] of wrong) {
  t.test(`${example.slice(0, 80)} -> ${expected}`, async (t) => {
    const files = new Map([['cafe.examples.yaml', `examples:\n  ${example}\n`]])
    const { errors } = runExamples(program!, files)
    t.equal(errors.length, 1, JSON.stringify(errors))
    const { line = 0, column = 0, message } = errors[0]!
    const at = files
      .get('cafe.examples.yaml')!
      .split('\n')
      [line - 1]!.slice(column - 1)
    const [place, says] = expected.split(' ⇒ ') as [string, string]
    t.equal(at.slice(0, place.length), place)
    t.equal(message.slice(0, says.length), says)
  })
}

t.test(
  'of many examples that fail, and of much that is wrong with one, the first are told whole',
  async (t) => {
    const rules = Array.from(
      { length: 30 },
      (_, index) => `  - { id: r${index}, on: purchase, award: 1 point }\n`,
    )
    const wrong = Array.from(
      { length: 25 },
      (_, index) => `  - { name: e${index}, transaction: { occurredAt: 2026-03-03T09:00 }, awards: {} }\n`,
    )
    const head = 'program: cafe\ntimeZone: Europe/Berlin\nmoney: EUR\ncurrencies: { points: {} }\n'
    const files = new Map([
      ['program.yaml', `${head}earn:\n${rules.join('')}`],
      ['a.examples.yaml', `examples:\n${wrong.join('')}`],
    ])
    const { failed } = runExamples(loadProgram(files).program!, files)
    t.equal(failed.length, 25)
    t.equal(failed[0]!.differences.length, 21)
    t.equal(failed[0]!.differences.at(-1), 'and 10 more')
    t.equal(failed[19]!.trace.length, 30)
    t.same(failed[20]!.trace, [], 'rule by rule, the first twenty are told')
    t.equal(failed[24]!.differences.length, 21)
  },
)
