/**
 * One mistake that a person would make per row, and what they are told: place, message, hint. The text is
 * the program below with one of its parts replaced or with lines added at its end (from line 8 on).
 */
import t from 'tap'
import { loadProgram } from '../../src/program/load.ts'

const parts = {
  program: 'program: cafe', // line 1
  timeZone: 'timeZone: Europe/Berlin', // 2
  currencies: 'currencies:\n  beans: { value: 0.05 EUR }', // 3, 4
  earn: 'earn:\n  - { id: base, on: purchase, award: 1 bean per 1 EUR of net }\n  - { id: tip, on: purchase, award: 2 beans }', // 5 to 7
  more: '',
}

function told(change: Partial<typeof parts> | string | Uint8Array): string {
  const content =
    typeof change === 'string' || change instanceof Uint8Array
      ? change
      : `${Object.values({ ...parts, ...change }).join('\n')}\n`
  const { program, errors } = loadProgram(new Map([['program.yaml', content]]))
  t.equal(program === null, errors.length > 0, 'a program with an error does not exist')
  return errors
    .map(({ line, column, message, hint }) => `${line}:${column} ${message}${hint ? ` (${hint})` : ''}`)
    .join(' | ')
}

const beans = (text: string) => ({ currencies: `currencies:\n  beans: { ${text} }` })
const more = (text: string) => ({ more: text })
const rule = (text: string) => ({ earn: `earn:\n  - id: base\n    on: purchase\n${text}\n#\n#` })
const ladder = (...tiers: string[]) =>
  more(
    `tiers:\n  period: calendar year\n  ladder:\n    - id: guest\n${tiers.map((tier) => `    - ${tier}`).join('\n')}`,
  )

const bytes = (...values: number[]) => new Uint8Array(values)

const rows: readonly (readonly [Parameters<typeof told>[0], string])[] = [
  [{}, ''],

  // not a rule file at all
  ['', '1:1 the file is empty (a rule file holds keys such as `earn:`)'],
  ['# only a comment\n', '1:1 the file is empty (a rule file holds keys such as `earn:`)'],
  ['- a\n- b\n', '1:1 expected keys such as `earn:`, got a list'],
  ['hello\n', '1:1 expected keys such as `earn:`, got the text "hello"'],
  ['program: a\u0000b\n', '1:11 the file holds a NUL: it is no text in UTF-8 (save it as UTF-8)'],
  [
    bytes(0x70, 0xff, 0xfe),
    '1:2 the file is not text in UTF-8: no character begins with the byte 0xFF here (save it as UTF-8)',
  ],
  [bytes(0xff, 0xfe, 0x70, 0x00), '1:1 the file is in UTF-16, not in UTF-8 (save it as UTF-8)'],

  // YAML that does not read as meant, or that rule files do not take
  [more('---\nprogram: second'), '8:1 a rule file holds one document; "---" begins a second one'],
  [more('rewards: &all []'), '8:10 anchors such as "&all" are not part of rule files'],
  [more('name: *all'), '8:7 aliases such as "*all" are not part of rule files; write the value out'],
  ['a: &a [x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n', '1:4 anchors such as "&a" are not part of rule files'],
  [
    more('name: !!str 5'),
    '8:7 tags such as "!!str" are not part of rule files (leave it out, or put the whole value in quotes)',
  ],
  [
    more('name: !!js/function "x"'),
    '8:7 tags such as "!!js/function" are not part of rule files (leave it out, or put the whole value in quotes)',
  ],
  ['%YAML 1.1\n---\nprogram: x\n', '1:1 directives are not part of rule files'],
  [more('<<: { name: x }'), '8:1 "<<" can\'t be used as a key'],
  [more('__proto__: { name: x }'), '8:1 "__proto__" can\'t be used as a key'],
  [more(`rewards: ${'['.repeat(60)}`), '8:60 nested deeper than 50 levels'],
  [more(`rewards:\n  ${'- '.repeat(60)}x`), '9:103 nested deeper than 50 levels'],
  [
    more(Array.from({ length: 60 }, (_, n) => `${' '.repeat(n)}a:`).join('\n')),
    '59:1 nested deeper than 50 levels',
  ],
  [more('rewards: [,,]'), '8:12 two commas with nothing between them (delete one of them)'],
  [more('program: again'), '8:1 the key "program" stands twice, first on line 1'],
  [beans('value: 1 EUR, value: 2 EUR'), '4:26 the key "value" stands twice, first on line 4'],
  [{ currencies: 'currencies:\n\tbeans: {}' }, '4:1 a tab stands where only spaces may (indent with spaces)'],
  [more('name: "Cafe'), '8:7 the closing " is missing (end the text with ")'],
  [more('name: Cafe: the corner'), '8:11 a second ":" where the value should end (put the value in quotes)'],
  [more('name'), '8:1 a ":" is missing after the key (write `key: value`, with a space after the colon)'],
  [more('name: @home'), "8:7 a value can't begin with @ (put the value in quotes)"],

  // structure
  [more('retruns: negative'), '8:1 unknown key "retruns" (did you mean "returns"?)'],
  [
    rule('    whne: { weekday: tuesday }\n    award: 1 bean'),
    '8:5 unknown key "whne" (did you mean "when"?)',
  ],
  [
    beans('value: 1 EUR, expires: 12 months, end of month'),
    '4:46 "end of month" stands alone, without a value (a comma ends a value inside { }: put the value of "expires" in quotes, or write it on a line of its own)',
  ],
  ['name: Cafe\n', '1:1 "program" and "timeZone" and "currencies" and "earn" are missing'],
  [{ earn: 'earn:\n  - name: x\n    on: purchase\n#' }, '6:5 "id" is missing'],
  [{ earn: 'earn: 2 beans\n#\n#' }, '5:7 expected a list of rules; got the text "2 beans"'],
  [{ earn: 'earn:\n#\n#' }, '5:1 expected a list of rules; got nothing'],
  [
    { currencies: 'currencies: beans\n#' },
    '3:13 expected currencies, each `id: { kind, value, expires … }`; got the text "beans"',
  ],
  [more('name: 5'), '8:7 expected a name; got the number 5 (if "5" is meant as a text, put it in quotes)'],
  [beans('value: 0.05'), '4:19 expected what one point is worth, such as 0.05 EUR; got the number 0.05'],
  [
    beans('kind: redeemabel, value: 1 EUR'),
    '4:18 expected redeemable or qualifying; got the text "redeemabel" (did you mean "redeemable"?)',
  ],
  [
    more('returns: to-zero'),
    '8:10 expected one of pending_only, to_zero, negative; got the text "to-zero" (did you mean "to_zero"?)',
  ],
  [
    { program: 'program: Corner Cafe' },
    '1:10 expected the id of the program: small letters, digits and "-"; got the text "Corner Cafe" (write corner-cafe)',
  ],
  [
    { currencies: 'currencies:\n  beans: { value: 1 EUR }\n  my stars: {}' },
    '5:3 "my stars" is not a name (a name begins with a letter and has no spaces)',
  ],
  [
    more('neverEarn: POST'),
    '8:12 expected conditions on lines, such as `line.sku: [POST, DOT]`; got the text "POST" (write for instance `neverEarn: { category: [tobacco, books] }`)',
  ],

  // amounts, lengths of time, zones
  [
    { timeZone: 'timeZone: Europe/Berlni' },
    '2:11 "Europe/Berlni" is not a time zone (did you mean "Europe/Berlin"?)',
  ],
  [{ timeZone: 'timeZone: berlin' }, '2:11 "berlin" is not a time zone (did you mean "Europe/Berlin"?)'],
  [more('money: EURO'), '8:8 "EURO" is not a currency of ISO 4217 (write EUR)'],
  [more('money: eur'), '8:8 "eur" is not a currency of ISO 4217 (write it in capitals: EUR)'],
  [
    beans('kind: qualifying'),
    '1:1 the money of the program is not said (write for instance `money: EUR`, or give a currency a value)',
  ],
  // nothing else is left untold for it
  [
    {
      ...beans('kind: qualifying'),
      earn: 'earn: [{ id: base, on: purchase, award: 1 baen per 1 GBP of net }]',
    },
    '1:1 the money of the program is not said (write for instance `money: EUR`, or give a currency a value) | ' +
      '5:43 unknown currency "baen" (declared are beans)',
  ],
  [
    beans('value: 5 cent'),
    '4:21 "cent" is no money of its own (write it in the money itself: 0.05 EUR or the like)',
  ],
  [
    beans('value: "0,05 EUR"'),
    '4:20 "0,05" is not a number (write it with a decimal point and without separators: 0.05)',
  ],
  [beans('value: 0 EUR'), '4:19 the amount must be above zero'],
  [beans('value: 1 EUR, expires: 12 moths'), '4:38 "moths" is not a unit of time (did you mean "months"?)'],
  [
    beans('value: 1 EUR, expires: "12 months, end of moth"'),
    '4:54 expected "end of" and one of day, week, month, quarter, half year, year, a month or birth month (did you mean "month"?)',
  ],
  [beans('value: 1 EUR, expires: 0 days'), '4:35 expected a whole number from 1 to 36500; got "0"'],
  [
    beans('value: 1 EUR, expires: { activity: [earn] }'),
    '4:35 expires needs `after`, such as `after: 12 months`',
  ],
  [
    beans('value: 1 EUR, expires: { after: 12 months, activity: [earn] }'),
    '4:55 "activity" has a meaning only for points that lapse without activity (write for instance `after: 24 months without activity`)',
  ],
  [
    beans('value: 1 EUR, expires: { after: 12 months without activity, activity: [earn, redem] }'),
    '4:89 "redem" is not a kind of activity (did you mean "redeem"?)',
  ],
  [
    beans('value: 1 EUR, expires: { after: 12 months without activity, exempt: { net: 3 EUR } }'),
    '4:80 "net" is of a transaction, not of the member (an exemption looks at `tier` and `member.` attributes alone)',
  ],
  [
    beans('value: 1 EUR, expires: { after: 12 months without activity, exempt: { tier: gold } }'),
    '4:82 this program has no tiers',
  ],
  [
    beans('value: 1 EUR, expires: every 31 Februar'),
    '4:44 expected days of the year such as "every 31 March"; got "every 31 Februar" (February has 29 days at most)',
  ],
  [
    beans('value: 1 EUR, expires: every 30 February'),
    '4:41 expected days of the year such as "every 31 March"; got "every 30 February" (February has 29 days at most)',
  ],
  [
    beans('value: 1 EUR, expires: "every 31 March, 2 years"'),
    '4:52 expected "after" and a length of time such as 2 years',
  ],
  [beans('value: 1 EUR, expires: on 2027-02-30'), '4:38 expected a day such as 2027-12-31; got "2027-02-30"'],
  [
    beans('value: 1 EUR, expires: "24 months, end of month of member.born"'),
    '4:63 members have no attribute "born"',
  ],
  [
    beans('value: 1 EUR, pending: until confirmed'),
    '4:35 say when points that nobody confirms are cancelled (write for instance "until confirmed, cancel after 30 days")',
  ],
  [
    beans('value: 1 EUR, pending: until noon'),
    '4:41 expected "until" and a day such as 2026-12-01, or "confirmed"; got "until noon"',
  ],
  [
    beans('value: 1 EUR, counts: usable'),
    '4:34 expected one of at once, when usable; got the text "usable" (did you mean "when usable"?)',
  ],
  [beans('value: 1 EUR, redeem: { minimum: 500, maximum: 100 }'), '4:59 the maximum is below the minimum'],
  [beans('value: 1 EUR, redeem: { step: 2.5 }'), '4:42 points are whole numbers'],
  [
    { currencies: 'money: EUR\ncurrencies: { beans: {}, stars: { kind: qualifying, value: 1 EUR } }' },
    '4:53 qualifying points are never spent: "value" has no meaning here',
  ],

  // declarations
  [
    more('transactions:\n  purchase: { fields: { cabin: txt } }'),
    '9:32 expected one of text, number, integer, boolean, date, or a list of the values it can have; got the text "txt" (did you mean "text"?)',
  ],
  [
    more('transactions:\n  purchase: { fields: { weekday: text } }'),
    '9:25 a field can\'t be called "weekday": the name has a meaning already',
  ],
  [more('transactions:\n  purchase: { fields: { cabin: [F, Y, F] } }'), '9:39 "F" stands twice'],
  [
    more('transactions:\n  purchase: { lineFields: { "size?": text, size: number } }'),
    '9:44 the field "size" stands twice',
  ],

  // rules, as the rule language tells of them, at the word that is at fault
  [
    rule('    when: { weekdya: tuesday }\n    award: 1 bean'),
    '8:13 unknown fact "weekdya" (did you mean "weekday"?)',
  ],
  [rule('    award: 1 been per 1 EUR of net'), '8:14 unknown currency "been" (did you mean "beans"?)'],
  [rule('    award: 1 bean per 1 USD of net'), '8:25 the money of this program is EUR, not USD'],
  [rule('    award: "1 bean per 1 EUR of nett"'), '8:33 unknown name "nett" (did you mean "net"?)'],
  [
    rule('    award: >-\n      1 bean\n      per 1 EUR\n      of nett'),
    '11:10 unknown name "nett" (did you mean "net"?)',
  ],
  [
    { earn: 'earn:\n  - { id: base, on: purchas, award: 1 bean }\n#' },
    '6:21 unknown transaction type "purchas" (did you mean "purchase"?)',
  ],
  [
    {
      earn: 'earn:\n  - { id: base, on: purchase, award: 1 bean }\n  - { id: base, on: purchase, award: 1 bean }',
    },
    '7:11 the rule "base" stands twice',
  ],

  // tiers
  [
    more('tiers:\n  period: calender year\n  ladder: [{ id: guest }]'),
    '9:11 expected calendar year, membership year, or rolling 12 months; got "calender year" (did you mean "calendar year"?)',
  ],
  [
    more('tiers:\n  period: rolling 12 months\n  validity: end of period\n  ladder: [{ id: guest }]'),
    '10:13 a rolling period has no end (write a length such as 12 months)',
  ],
  [
    more('tiers:\n  period: calendar year\n  ladder: [{ id: guest, reach: { transactions: 1 } }]'),
    '10:25 the first tier is everybody\'s: "reach" has no meaning here (put a tier without it before this one)',
  ],
  [ladder('id: silver'), '12:7 "reach" is missing: only the first tier is everybody\'s'],
  [ladder('{ id: guest, reach: { transactions: 1 } }'), '12:13 the tier "guest" stands twice'],
  [ladder('{ id: silver, reach: { beens: 100 } }'), '12:30 unknown counter "beens" (did you mean "beans"?)'],
  [ladder('{ id: silver, reach: { spend: 500 USD } }'), '12:37 the money of this program is EUR, not USD'],
  [
    ladder('{ id: silver, reach: { spend: 500 EUR } }', '{ id: gold, reach: { spend: 400 EUR } }'),
    '13:26 tiers stand lowest first: 400 spend is not more than the 500 of "silver"',
  ],
  [
    ladder('{ id: silver, reach: { beans: 5 } }', '{ id: gold, reach: { beans: 5 } }'),
    '13:26 tiers stand lowest first: 5 beans is not more than the 5 of "silver"',
  ],

  // rewards
  [
    more('rewards:\n  - { id: espresso, costs: 40 beens }'),
    '9:31 unknown currency "beens" (did you mean "beans"?)',
  ],
  [
    more('rewards:\n  - { id: espresso, costs: 40 }'),
    '9:28 expected a price such as 40 points; got the number 40',
  ],
  [more('rewards:\n  - { id: espresso, costs: 40 beans, tier: gold }'), '9:44 this program has no tiers'],
  [
    more('rewards:\n  - { id: espresso, costs: 40 beans, value: 2 USD }'),
    '9:45 the money of this program is EUR, not USD',
  ],
  [
    {
      currencies: 'currencies: { beans: { value: 1 EUR }, stars: { kind: qualifying } }\n#',
      more: 'rewards:\n  - { id: espresso, costs: 40 stars }',
    },
    '9:28 stars are qualifying points, which are never spent',
  ],
]

for (const [change, expected] of rows) {
  const name = expected.slice(0, 60) || 'the program as it stands'
  t.test(name, async (t) => {
    const began = performance.now()
    t.equal(told(change), expected)
    // wide, for busy machines: a pattern that backtracks takes hours
    t.ok(performance.now() - began < 120_000, 'told at once')
  })
}

t.test('all errors are told at once, over all files, in reading order', async (t) => {
  const { errors } = loadProgram(
    new Map([
      [
        'program.yaml',
        'program: cafe\ntimeZone: Europe/Berlni\ncurrencies:\n  beans: { value: 0.05 EUR, round: up }\n',
      ],
      [
        'earning.yaml',
        'earn:\n  - { id: a, on: purchase, award: 1 been }\n  - { id: b, on: sale, award: 1 bean }\n',
      ],
      ['rewards.yaml', 'rewards:\n  - { id: espresso, costs: 40 beans, colour: red }\nname: 5\n'],
      ['campaigns/may.yaml', 'tiers: 3\nearn:\n  - { id: c, on: purchase, award: 1 bean, from: soon }\n'],
      ['some.examples.yaml', 'examples:\n  - { nam: x }\n'],
    ]),
  )
  t.same(
    errors.map(({ file, line, column }) => `${file}:${line}:${column}`),
    [
      'campaigns/may.yaml:1:1',
      'campaigns/may.yaml:1:8',
      'campaigns/may.yaml:3:49',
      'earning.yaml:2:37',
      'earning.yaml:3:18',
      'program.yaml:2:11',
      'program.yaml:4:36',
      'rewards.yaml:2:38',
      'rewards.yaml:3:7',
      'some.examples.yaml:2:7',
    ],
  )
})

t.test('a program in several files', async (t) => {
  const main = `${parts.program}\n${parts.timeZone}\n${parts.currencies}\n`
  const rules = (id: string) => `earn:\n  - { id: ${id}, on: purchase, award: 1 bean }\n`
  const cases = [
    [{ 'program.yaml': main, 'earning.yaml': rules('a') }, ''],
    [{ 'cafe.yaml': main + rules('a') }, ''],
    [{ 'program.yaml': main, 'campaigns/may.yaml': rules('a'), 'campaigns/june.yaml': rules('b') }, ''],
    [
      { 'program.yaml': main + rules('a'), 'earning.yaml': rules('b') },
      'earning.yaml:1:1 "earn" stands in program.yaml already',
    ],
    [
      { 'program.yaml': main + rules('a'), 'campaigns/may.yaml': rules('a') },
      'campaigns/may.yaml:2:11 the rule "a" stands twice',
    ],
    [
      { 'a.yaml': main, 'b.yaml': rules('a') },
      'program.yaml:1:1 there is no file "program.yaml" in the folder',
    ],
    [{}, 'program.yaml:1:1 there is no file "program.yaml" in the folder'],
    [{ 'program.yaml': main + rules('a'), 'more.yml': rules('b') }, 'more.yml:1:1 rule files end in ".yaml"'],
    [
      { 'program.yaml': main + rules('a'), '../secret.yaml': 'a: 1' },
      '../secret.yaml:1:1 "../secret.yaml" is not a name of a rule file',
    ],
    [
      { 'program.yaml': main + rules('a'), 'big.yaml': `# ${'x'.repeat(1024 * 1024)}` },
      'big.yaml:1:1 a rule file is at most 1 MB',
    ],
    [
      {
        'program.yaml': main,
        'earning.yaml': 'earn: [',
        'rewards.yaml': 'rewards:\n  - { id: x, costs: 1 star }\n',
      },
      'earning.yaml:1:7 this [ is never closed',
    ],
  ] as const
  for (const [files, expected] of cases) {
    const { errors } = loadProgram(new Map(Object.entries(files)))
    const got = errors
      .map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`)
      .join(' | ')
    t.equal(got, expected, Object.keys(files).join(', '))
  }

  const many = new Map(Array.from({ length: 201 }, (_, n) => [`f${n}.yaml`, 'name: x\n'] as const))
  t.match(loadProgram(many).errors[0], { message: 'a program is at most 200 files and 4 MB' })
})

t.test('a thousand mistakes are told up to a bound', async (t) => {
  const { errors } = loadProgram(
    new Map([['program.yaml', Array.from({ length: 1000 }, (_, n) => `k${n}: 1`).join('\n')]]),
  )
  t.equal(errors.length, 501)
  t.match(errors.at(-1)?.message, /^and \d+ more$/)
})
