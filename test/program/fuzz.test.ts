/** Whatever is typed into a rule file, the answer is a program or errors that lie inside the file, and soon. */
import { readdir } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import { type ProgramFiles, readProgramFiles } from '../../src/program/files.ts'
import { loadProgram } from '../../src/program/load.ts'
import { runExamples } from '../../src/simulate/examples.ts'

const demos: ProgramFiles[] = []
for (const name of (await readdir('rules')).sort()) demos.push(await readProgramFiles(`rules/${name}`))

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
    { numRuns: 100 },
  )
  t.ok(slowest < 30_000, `the slowest took ${Math.round(slowest)} ms`)
})

// The bound is wide, for busy machines; what grows faster than the file passes it by far.
t.test('large and hostile files are read in bounded time', async (t) => {
  const head = 'program: p\ntimeZone: UTC\nmoney: EUR\ncurrencies: { x: {} }\nearn: []\n'
  const hostile: [string, string][] = [
    ['open brackets', '['.repeat(500_000)],
    ['dashes', '- '.repeat(400_000)],
    ['question marks', '? '.repeat(400_000)],
    ['anchors', '&a '.repeat(300_000)],
    ['aliases', '*a\n'.repeat(300_000)],
    ['tags', '! '.repeat(400_000)],
    ['commas', `[${','.repeat(900_000)}`],
    ['keys', Array.from({ length: 15_000 }, (_, n) => `k${n}: 1`).join('\n')],
    ['the same key', 'earn: 1\n'.repeat(15_000)],
    ['wrong currencies', `currencies:\n${Array.from({ length: 15_000 }, (_, n) => `  k${n}: 1`).join('\n')}`],
    [
      'many tiers',
      `${head}tiers:\n  period: calendar year\n  ladder:\n${'    - id: guest\n'.repeat(10_000)}`,
    ],
    ['wrong rules', `${head}rewards:\n${'  - { id: x, costs: 1 y }\n'.repeat(10_000)}`],
    ['one long scalar', `name: ${'x'.repeat(900_000)}`],
    ['one long key', `${'x'.repeat(900_000)}: 1`],
  ]
  for (const [name, content] of hostile) {
    const began = performance.now()
    const { program, errors } = loadProgram(new Map([['program.yaml', content]]))
    t.equal(program, null, name)
    t.ok(errors.length > 0 && errors.every(({ message }) => message.length < 1000), name)
    t.ok(performance.now() - began < 60_000, `${name}: ${Math.round(performance.now() - began)} ms`)
  }
})
