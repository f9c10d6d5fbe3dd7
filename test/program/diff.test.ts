/** Differences between versions: in words, complete, and none where nothing changed. */
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../../src/db/package-root.ts'
import { diffPrograms } from '../../src/program/diff.ts'
import { readProgramFiles } from '../../src/program/files.ts'
import { fc, runs } from '../support/property.ts'

const before = `program: shop
timeZone: Europe/Berlin
currencies:
  beans: { value: 0.05 EUR, expires: never }
  stars: { kind: qualifying }
transactions:
  purchase: { fields: { cashier?: text } }
members: { attributes: { city?: text } }
tables:
  fares: { economy: { miles: 1 }, business: { miles: 2 } }
earn:
  - { id: base, on: purchase, award: 1 bean per 1 EUR of net }
  - { id: tea, name: Tea time, on: purchase, when: { weekday: tuesday, channel: [app, web] }, award: 5 beans }
tiers:
  period: calendar year
  ladder:
    - { id: base }
    - { id: gold, reach: { spend: 500 EUR }, keep: { any: [{ spend: 400 EUR }, { transactions: 9 }] } }
rewards:
  - { id: espresso, costs: 40 beans }
returns: negative
`

// Each row: what is written instead of what, and all that is told of it.
const rows: [string, string, string, string[]][] = [
  [
    'an award',
    '1 bean per 1 EUR',
    '2 beans per 1 EUR',
    ['rule base: 1 bean per 1 EUR of net -> 2 beans per 1 EUR of net'],
  ],
  ['a threshold', 'spend: 500 EUR', 'spend: 600 EUR', ['tier gold, reached with spend: 500 EUR -> 600 EUR']],
  [
    'a renewal',
    '9 }]',
    '8 }]',
    [
      'tier gold, kept with any: { spend: 400 EUR }, { transactions: 9 } -> { spend: 400 EUR }, { transactions: 8 }',
    ],
  ],
  ['a condition', 'weekday: tuesday', 'weekday: monday', ['rule tea, when weekday: tuesday -> monday']],
  ['a list in a condition', '[app, web]', '[app]', ['rule tea, when channel: app, web -> app']],
  [
    'one condition more',
    'when: { weekday',
    'when: { location: airport, weekday',
    ['rule tea, when location: none -> airport'],
  ],
  ['one condition less', 'weekday: tuesday, ', '', ['rule tea, when weekday: tuesday -> none']],
  [
    'a limit',
    'award: 5 beans }',
    'award: 5 beans, limit: 10 beans per member ever }',
    ['rule tea, limit: none -> 10 beans per member ever'],
  ],
  ['a name', 'Tea time', 'Coffee time', ['rule tea, name: Tea time -> Coffee time']],
  ['expiry', 'expires: never', 'expires: 12 months', ['currency beans, expires: never -> 12 months']],
  ['a price', 'costs: 40 beans', 'costs: 50 beans', ['reward espresso, costs: 40 beans -> 50 beans']],
  ['a zone', 'Europe/Berlin', 'Europe/Lisbon', ['time zone: Europe/Berlin -> Europe/Lisbon']],
  ['a policy', 'returns: negative', 'returns: to_zero', ['returns: negative -> to_zero']],
  ['a policy that is gone', 'returns: negative\n', '', ['returns: negative -> none']],
  [
    'a table',
    'business: { miles: 2 }',
    'business: { miles: 2.5 }',
    ['row business of table fares, miles: 2 -> 2.5'],
  ],
  ['a row', ', business: { miles: 2 }', '', ['row business of table fares is gone; it was: miles: 2']],
  ['a field', 'cashier?: text', 'cashier?: integer', ['type purchase, field cashier?: text -> integer']],
  ['an attribute', 'city?: text', 'city?: text, born?: date', ['member attribute born? is new: date']],
  ['the period', 'calendar year', 'membership year', ['tiers, period: calendar year -> membership year']],
  [
    'a number that becomes a text',
    'transactions: 9',
    'transactions: "9"',
    [
      'tier gold, kept with any: { spend: 400 EUR }, { transactions: 9 } -> { spend: 400 EUR }, { transactions: "9" }',
    ],
  ],
  [
    'a reward more',
    '  - { id: espresso',
    '  - { id: mug, costs: 90 beans }\n  - { id: espresso',
    ['reward mug is new: costs: 90 beans'],
  ],
  [
    'a tier more',
    '    - { id: gold',
    '    - { id: silver, reach: { spend: 100 EUR } }\n    - { id: gold',
    ['tier silver is new: reach: { spend: 100 EUR }'],
  ],
  [
    'another id',
    'id: base, on',
    'id: basic, on',
    [
      'rule base is gone; it was: on: purchase, award: 1 bean per 1 EUR of net',
      'rule basic is new: on: purchase, award: 1 bean per 1 EUR of net',
    ],
  ],
  [
    'another currency first',
    '  beans: { value: 0.05 EUR, expires: never }\n  stars: { kind: qualifying }',
    '  stars: { kind: qualifying }\n  beans: { value: 0.05 EUR, expires: never }',
    ['order of currencies: beans, stars -> stars, beans'],
  ],
  ['a comment', 'returns: negative', 'returns: negative # they owe it', []],
  ['the layout', '{ id: espresso, costs: 40 beans }', '\n    id: espresso\n    costs: 40 beans', []],
  ['the order of keys', '{ id: espresso, costs: 40 beans }', '{ costs: 40 beans, id: espresso }', []],
  ['quotes', 'timeZone: Europe/Berlin', 'timeZone: "Europe/Berlin"', []],
]

const told = (old: string, young: string) =>
  diffPrograms(new Map([['program.yaml', old]]), new Map([['program.yaml', young]])).map(({ text }) => text)

t.test('each change, and what is told of it', async (t) => {
  for (const [name, what, instead, expected] of rows) {
    const after = before.replace(what, instead)
    t.not(after, before, `${name}: something is replaced`)
    t.strictSame(told(before, after), expected, name)
  }
})

t.test('rules in another order', async (t) => {
  const [base = '', tea = ''] = before.split('\n').filter((line) => /id: (base, on|tea)/.test(line))
  const after = before.replace(`${base}\n${tea}`, `${tea}\n${base}`)
  t.strictSame(told(before, after), ['order of rules: base, tea -> tea, base'])
})

t.test('the cut into files is none; examples are told of by their names', async (t) => {
  const at = before.indexOf('rewards:')
  const cut = new Map([
    ['program.yaml', before.slice(0, at)],
    ['rewards.yaml', before.slice(at)],
  ])
  t.strictSame(diffPrograms(new Map([['program.yaml', before]]), cut), [])
  const examples = (beans: number, more = '') =>
    new Map([
      ...cut,
      [
        'shop.examples.yaml',
        `examples:\n  - { name: ten, transaction: { occurredAt: 2026-03-02T10:00 }, awards: { base: ${beans} beans } }\n${more}`,
      ],
    ])
  const texts = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>) =>
    diffPrograms(a, b).map(({ text }) => text)
  t.strictSame(texts(cut, examples(1)), ['example "ten" is new'])
  t.strictSame(texts(examples(1), examples(2)), ['example "ten" has changed'])
  t.strictSame(texts(examples(1, '  - { name: ten }\n'), examples(1)), ['example "ten" is gone'])
})

t.test('files that cannot be read', async (t) => {
  t.throws(() => told(before, 'program: [shop'), { code: 'rules_invalid' })
})

t.test('the demo programs are the same as themselves, and no other', async (t) => {
  const names = ['corner-coffee', 'gift-shop', 'skyward']
  const programs = await Promise.all(names.map((name) => readProgramFiles(join(packageRoot, 'rules', name))))
  for (const [a, one] of programs.entries()) {
    for (const [b, other] of programs.entries())
      t.equal(diffPrograms(one, other).length === 0, a === b, `${names[a]} and ${names[b]}`)
  }
})

type Value = string | number | boolean | Value[] | { [key: string]: Value }

const word = fc.constantFrom(
  'a',
  'b',
  'c',
  'spend',
  '1',
  'true',
  'none',
  'null',
  '5 beans',
  'x: y',
  '"q"',
  '',
)
const leaf = fc.oneof(word, fc.integer({ min: 0, max: 9 }), fc.boolean())
const value = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { weight: 5, arbitrary: leaf },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 2, arbitrary: fc.dictionary(fc.constantFrom('k', 'l', 'm'), tie('value'), { maxKeys: 3 }) },
  ),
})).value
const ids: fc.Arbitrary<string> = fc.constantFrom('one', 'two', 'three', 'four', 'five')
const keyed = fc.uniqueArray(fc.tuple(ids, fc.dictionary(fc.constantFrom('award', 'when', 'x'), value)), {
  selector: ([id]) => id,
  maxLength: 5,
})
/** Sections by name, each with entities by id: lists of items with ids, or maps. */
const program: fc.Arbitrary<Parts> = fc.record({
  ...{ earn: keyed, rewards: keyed, currencies: keyed, tables: keyed, future: keyed },
})
type Parts = Record<
  'earn' | 'rewards' | 'currencies' | 'tables' | 'future',
  [string, Record<string, Value>][]
>

const LISTS = new Set(['earn', 'rewards', 'future'])

function fileOf(parts: Parts): Map<string, string> {
  const sections = Object.entries(parts).map(([name, items]) => [
    name,
    LISTS.has(name) ? items.map(([id, rest]) => ({ id, ...rest })) : Object.fromEntries(items),
  ])
  const named = { program: 'shop', timeZone: 'UTC', ...Object.fromEntries(sections) }
  return new Map([['program.yaml', JSON.stringify(named, null, 2)]])
}

/** The same with the keys of every map the other way round. */
function turned(given: Value): Value {
  if (Array.isArray(given)) return given.map(turned)
  if (typeof given !== 'object') return given
  return Object.fromEntries(
    Object.entries(given)
      .reverse()
      .map(([key, inner]) => [key, turned(inner)]),
  )
}

const canonical = (given: Value): string =>
  JSON.stringify(given, (_key, inner) =>
    typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

t.test('no change goes unmentioned, and nothing is mentioned that did not change', async () => {
  fc.assert(
    fc.property(program, program, fc.boolean(), (a, b, near) => {
      // Either two programs that have little in common, or one with a few entities of another.
      const other: Parts = near
        ? { ...a, earn: b.earn, tables: [...a.tables.slice(1), ...b.tables.slice(0, 0)] }
        : b
      const changes = diffPrograms(fileOf(a), fileOf(other))
      for (const section of Object.keys(a) as (keyof Parts)[]) {
        const [old, young] = [new Map(a[section]), new Map(other[section])]
        for (const id of new Set([...old.keys(), ...young.keys()])) {
          const same = canonical(old.get(id) ?? '') === canonical(young.get(id) ?? '')
          const mentioned = changes.some(
            ({ path, kind }) =>
              kind !== 'moved' && path[0] === section && (path[1] === id || path.length === 1),
          )
          // A section that comes to be a list or ceases to be one is told of whole.
          if (same === mentioned && !(same && wholly(changes, section)))
            throw new Error(
              `${section} ${id}: ${same ? 'the same' : 'changed'}, told: ${JSON.stringify(changes)}`,
            )
        }
      }
    }),
    { numRuns: runs(250) },
  )
  fc.assert(
    fc.property(program, (a) => {
      const again = Object.fromEntries(
        Object.entries(a).map(([name, items]) => [name, items.map(([id, rest]) => [id, turned(rest)])]),
      ) as unknown as Parts
      return diffPrograms(fileOf(a), fileOf(again)).length === 0
    }),
    { numRuns: runs(60) },
  )
})

function wholly(changes: readonly { path: readonly string[] }[], section: string): boolean {
  return changes.some(({ path }) => path.length === 1 && path[0] === section)
}
