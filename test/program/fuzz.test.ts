/** Whatever is typed into a rule file, the answer is a program or errors that lie inside the file, and soon. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import t from 'tap'
import { type ProgramFiles, readProgramFiles } from '../../src/program/files.ts'
import { loadProgram } from '../../src/program/load.ts'
import { createChecker } from '../../src/simulate/checker.ts'
import { runExamples } from '../../src/simulate/examples.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(600_000)

const demos: ProgramFiles[] = []
const names = (await readdir('rules')).filter((name) => existsSync(`rules/${name}/program.yaml`)).sort()
for (const name of names) demos.push(await readProgramFiles(`rules/${name}`))

const text = (content: Uint8Array | string | undefined): string => Buffer.from(content ?? '').toString('utf8')

// Edits as they happen at a keyboard: a piece deleted, doubled, moved, or something strange typed in.
const strange = [
  '',
  ' ',
  '\t',
  '\n',
  ':',
  ': ',
  '- ',
  '[',
  '{',
  '}',
  ',',
  '"',
  "'",
  '#',
  '&a ',
  '*a',
  '!x ',
  '|',
  '>',
  '%',
]
const words = [
  'null',
  '5',
  '-1',
  '1e9',
  '.nan',
  'constructor',
  '__proto__',
  'tier',
  'awarded(base)',
  '\u0000',
  '\u2028',
  '0 EUR',
]
const edit = fc.record({
  at: fc.nat({ max: 4000 }),
  length: fc.nat({ max: 30 }),
  text: fc.constantFrom(...strange, ...words),
})

t.test('no edit of the demo programs makes loading throw or dawdle', async (t) => {
  const sources = demos.flatMap((files) => [...files.keys()].map((name) => ({ files, name })))
  let slowest = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...sources),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      ({ files, name }, edits) => {
        let content = text(files.get(name))
        for (const { at, length, text } of edits) {
          const from = at % (content.length + 1)
          content = content.slice(0, from) + text + content.slice(from + length)
        }
        const began = performance.now()
        const edited = new Map(files).set(name, content)
        const { program, errors } = loadProgram(edited)
        if (program) runExamples(program, edited)
        slowest = Math.max(slowest, performance.now() - began)
        for (const { file, line, column, message } of errors) {
          if (!file || !line || !column || message === '') throw new Error('an error without its place')
          const lines = text(edited.get(file)).split('\n')
          const inside = line <= lines.length && column <= (lines[line - 1] ?? '').length + 1
          if (!inside) throw new Error(`${file}:${line}:${column} is not a place of the file: ${message}`)
        }
        return (program === null) === errors.length > 0
      },
    ),
    { numRuns: runs(100) },
  )
  t.ok(slowest < 120_000, `the slowest took ${Math.round(slowest)} ms`)
})

// In a thread of 200 MB, which ends where that is not enough. The bound on the time is wide, for busy machines:
// what grows faster than the file passes it by far, and each of these takes well under a second by itself.
t.test('large and hostile files are refused in bounded time and memory', async (t) => {
  const head = 'program: p\ntimeZone: UTC\nmoney: EUR\ncurrencies: { x: {} }\n'
  const many = (count: number, of: (n: number) => string, between = '\n') =>
    Array.from({ length: count }, (_, n) => of(n)).join(between)
  const award = (formula: string) => `${head}earn: [{ id: a, on: purchase, award: "${formula}" }]\n`
  const tooMuch = /holds more than 100,000 words and signs/
  const tooDeep = /nested deeper than 50 levels/
  const rows: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['open brackets', '['.repeat(500_000), tooDeep],
    ['dashes', '- '.repeat(400_000), tooDeep],
    ['question marks', '? '.repeat(400_000), tooDeep],
    ['indentation', many(1400, (n) => `${' '.repeat(n)}a:`), tooDeep],
    ['indented dashes', many(1400, (n) => `${' '.repeat(n)}-`), tooDeep],
    ['anchors', '&a '.repeat(300_000), /anchors/],
    ['aliases', '*a\n'.repeat(300_000), /aliases/],
    ['an alias bomb', `a: &a [x, x]\n${many(9, (n) => `b${n}: &b${n} [*a, *a]`)}`, /anchors/],
    [
      'an alias bomb under many rules',
      `${head}earn:\n${many(1_500, (n) => `  - { id: r${n}, on: purchase, award: 1 x }`)}\nb: &a [1]\nc: [*a, *a]`,
      /anchors/,
    ],
    ['tags', '! '.repeat(400_000), /tags/],
    ['commas', `[${','.repeat(900_000)}`, /two commas/],
    ['tiny keys', many(130_000, (n) => `${n.toString(36)}: 1`), tooMuch],
    ['a tiny list', `a: [${'1,'.repeat(500_000)}1]`, tooMuch],
    ['tiny maps', `a: [${'{},'.repeat(300_000)}]`, tooMuch],
    ['comments', '#\n'.repeat(500_000), tooMuch],
    ['empty lines', '\n'.repeat(1_000_000), tooMuch],
    ['many files', '', /the program holds more than 800,000/],
    ['as many keys as there may be', many(14_000, (n) => `k${n}: 1`), /unknown key/],
    [
      'mistakes on one line',
      `{ program: p, timeZone: UTC, money: EUR, currencies: { x: {} }, earn: [${many(1_900, (n) => `{ id: r${n}, on: purchase, award: 1 y }`, ', ')}] }`,
      /unknown currency/,
    ],
    [
      'a circle of awards',
      `${head}earn:\n${many(2_000, (n) => `  - { id: r${n}, on: purchase, award: x = awarded(r${(n + 1) % 2000}) }`)}`,
      /in a circle: r0 -> r1 -> r2/,
    ],
    [
      'rules that are not there',
      `${head}earn:\n${many(1_900, (n) => `  - { id: r${n}, on: purchase, award: x = awarded(q${n}) }`)}`,
      /there is no rule "q0"/,
    ],
    ['the same key', 'earn: 1\n'.repeat(12_000), /stands twice/],
    ['wrong currencies', `currencies:\n${many(15_000, (n) => `  k${n}: 1`)}`, /./],
    ['tiers', `${head}earn: []\ntiers:\n  ladder:\n${'    - id: guest\n'.repeat(10_000)}`, /./],
    [
      'wrong rewards',
      `${head}earn: []\nrewards:\n${'  - { id: x, costs: 1 y }\n'.repeat(4_000)}`,
      /unknown currency/,
    ],
    ['one long scalar', `name: ${'x'.repeat(900_000)}`, /missing/],
    ['one long key', `${'x'.repeat(900_000)}: 1`, /at most 1,024 characters/],
    ['a long number', award(`${'9'.repeat(500_000)} x`), /unexpected "9{70}/],
    ['a long number in a formula', award(`x = ${'9'.repeat(3_000)}`), /at most 20 digits/],
    ['a long formula', award(`x = ${'1+'.repeat(200_000)}1`), /at most 4000 characters/],
    [
      'a megabyte of formulas',
      `${head}earn:\n${many(240, (n) => `  - { id: r${n}, on: purchase, award: 'x = quantity${' + 1.25'.repeat(398)}' }`)}`,
      /at most 500000 characters in all/,
    ],
    ['a long sum', award(`x = ${'1+'.repeat(1_900)}1`), /at most 400 operators/],
    ['a deep formula', award(`x = ${'('.repeat(1_900)}1`), /nested at most 64 deep/],
    ['minus signs', award(`x = ${'-'.repeat(1_900)}1`), /nested at most 64 deep/],
    [
      'a huge limit',
      `${head}earn: [{ id: a, on: purchase, award: 1 x, limit: 1e400 x per member ever }]`,
      /whole number/,
    ],
    ['a prototype as a key', `${head}earn: []\n__proto__: { program: q }`, /can't be used as a key/],
    ['a constructor as a key', `${head}earn: []\nconstructor: { prototype: q }`, /unknown key "constructor"/],
    [
      'a constructor as a fact',
      `${head}earn: [{ id: a, on: purchase, when: { constructor: 1 }, award: 1 x }]`,
      /unknown fact/,
    ],
    ['a prototype in a formula', award('x = __proto__.constructor'), /unknown name/],
    [
      'a prototype as a type',
      `${head}earn: [{ id: a, on: __proto__, award: 1 x }]`,
      /unknown transaction type/,
    ],
    ['a prototype as a rule', award('x = awarded(hasOwnProperty)'), /there is no rule/],
    ['UTF-16', Buffer.from(`\ufeff${head}`, 'utf16le'), /in UTF-16/],
    ['UTF-16 without its mark', Buffer.from(head, 'utf16le'), /holds a NUL/],
    ['Latin-1', Buffer.from(`name: ${'caf\u00e9 '.repeat(100_000)}`, 'latin1'), /byte 0xE9/],
    ['a ZIP file', Buffer.from([0x50, 0x4b, 3, 4, 0x14, 0, 0, 0]), /control character/],
    [
      'random bytes',
      Buffer.from(
        many(60_000, (n) => String.fromCharCode((n * 7919) % 256), ''),
        'latin1',
      ),
      /./,
    ],
  ]
  const checker = createChecker({ mostMemory: 200, longest: 300_000 })
  for (const [name, content, expected] of rows) {
    const earn = `earn:\n${many(1_200, (n) => `  - { id: r${n}, on: x, when: { a: 1, b: 1, c: 1, d: 1 }, award: 10 x }`)}`
    const files = name.startsWith('many files')
      ? new Map(Array.from({ length: 14 }, (_, n) => [`campaigns/f${n}.yaml`, earn] as const))
      : new Map([['program.yaml', content]])
    const { program, errors } = await checker.check(files)
    t.equal(program, null, name)
    t.ok(
      errors.some(({ message }) => expected.test(message)),
      `${name}: ${errors[0]?.message}`,
    )
    t.ok(
      errors.length <= 501 && errors.every(({ message, hint = '' }) => message.length + hint.length < 1300),
      name,
    )
  }
  await checker.close()
})

t.test('what is just below the bounds is taken in the same memory', async (t) => {
  const head = 'program: p\ntimeZone: UTC\nmoney: EUR\n'
  const list = (count: number, of: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => `  - { ${of(n)} }`).join('\n')
  const formula = `1${'+lines*2'.repeat(199)}`.padEnd(3_950)
  const currencies = Array.from({ length: 100 }, (_, n) => `  c${n}: { value: 0.01 EUR, expires: 12 months }`)
  const rows: (readonly [string, string])[] = [
    [
      'formulas',
      `${head}currencies: { x: {} }\nearn:\n${list(250, (n) => `id: r${n}, on: purchase, award: "x = ${formula}"`)}`,
    ],
    [
      'a chain',
      `${head}currencies: { x: {} }\nearn:\n${list(2_000, (n) => `id: r${n}, on: purchase, award: ${n === 0 ? '1 x' : `x = awarded(r${n - 1})`}`)}`,
    ],
    [
      'currencies',
      `${head}currencies:\n${currencies.join('\n')}\nearn:\n${list(1_500, (n) => `id: r${n}, on: purchase, award: [1 c${n % 100}], limit: 5 c${n % 100} per member per day`)}`,
    ],
    [
      'lines',
      `${head}currencies: { x: {} }\nearn:\n${list(900, (n) => `id: r${n}, on: purchase, lines: { sku: a${n} }, when: { has: [{ sku: b${n} }] }, award: 1 x`)}`,
    ],
  ]
  rows.push(
    [
      'a chain backwards',
      `${head}currencies: { x: {} }\nearn:\n${list(2_000, (n) => `id: r${n}, on: purchase, award: ${n === 1_999 ? '1 x' : `x = awarded(r${n + 1})`}`)}`,
    ],
    [
      'a group of which the first is taken',
      `${head}currencies: { x: {} }\ngroups: { g: first }\nearn:\n${list(1_700, (n) => `id: r${n}, on: purchase, group: g, when: { channel: c${n} }, award: 1 x`)}`,
    ],
    [
      'segments that nothing asks for',
      `${head}currencies: { x: {} }\nmembers: { segments: [${Array.from({ length: 2_000 }, (_, n) => `s${n}`).join(', ')}] }\nearn:\n${list(900, (n) => `id: r${n}, on: purchase, award: 1 x`)}`,
    ],
  )
  const checker = createChecker({ mostMemory: 200, longest: 300_000 })
  for (const [name, content] of rows) {
    t.ok(content.length <= 1024 * 1024, name)
    const { program, errors } = await checker.check(new Map([['program.yaml', content]]))
    t.same(errors, [], name)
    t.equal(program, 'p', name)
  }
  await checker.close()
})

t.test('many examples that all fail, of many rules, are told of in the same memory', async (t) => {
  const list = (count: number, of: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => `  - { ${of(n)} }\n`).join('')
  const head = 'program: p\ntimeZone: UTC\nmoney: EUR\ncurrencies: { x: {} }\n'
  const sale = 'transaction: { occurredAt: 2026-03-03T09:00 }'
  const files = new Map([
    ['program.yaml', `${head}earn:\n${list(1_900, (n) => `id: r${n}, on: purchase, award: 1 x`)}`],
    ['a.examples.yaml', `examples:\n${list(500, (n) => `name: e${n}, ${sale}, awards: {}`)}`],
  ])
  const checker = createChecker({ mostMemory: 200, longest: 120_000 })
  const { program, examples } = await checker.check(files)
  t.equal(program, 'p')
  t.equal(examples?.failed.length, 500)
  t.ok(examples?.failed.every(({ message }) => message.endsWith('; and 1880 more') && message.length < 1300))
  await checker.close()
})

t.test('a mark of byte order at the beginning is no part of the text', async (t) => {
  const [files] = demos
  const marked = [...(files ?? [])].map(([name, content]) => [name, `\ufeff${text(content)}`] as const)
  t.same(loadProgram(new Map(marked)).errors, [])
  const bytes = marked.map(([name, content]) => [name, new Uint8Array(Buffer.from(content))] as const)
  t.same(loadProgram(new Map(bytes)).errors, [])
})

t.test('a thousand rules to a file, ten thousand in a program, are no burden', async (t) => {
  const rules = (file: number) =>
    Array.from({ length: 1_700 }, (_, n) => {
      const id = file * 1_700 + n
      return `  - { id: r${id}, on: purchase, forEach: line, when: { line.sku: "${id}" }, award: 10 x }`
    }).join('\n')
  const main = 'program: p\ntimeZone: UTC\nmoney: EUR\ncurrencies: { x: {} }\nearn: []\n'
  const campaigns = [0, 1, 2, 3, 4, 5].map(
    (file) => [`campaigns/c${file}.yaml`, `earn:\n${rules(file)}\n`] as const,
  )
  const { program, errors } = loadProgram(new Map([['program.yaml', main], ...campaigns]))
  t.same(errors, [])
  t.equal(program?.rules.rules.length, 10_200)
})
