/**
 * Nothing that is written in a rule file is passed over. Two readings of a program are compared: what YAML
 * says that the file holds, and everything that the loaded program shows of itself. Where an edited file is
 * taken, then (1) if YAML reads the same from it, the program is the same, and (2) if YAML reads something
 * else, the program is another one. A key that nobody reads or a factor that is dropped breaks (2).
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseDocument, Scalar, visit } from 'yaml'
import { Decimal } from '../../src/base/points.ts'
import { loadProgram } from '../../src/program/load.ts'
import type { Program } from '../../src/program/program.ts'
import { basisOf } from '../../src/rules/basis.ts'
import type { LineFacts, TransactionFacts } from '../../src/rules/facts.ts'
import type { Rule } from '../../src/rules/rule.ts'
import { Sight } from '../../src/rules/sight.ts'
import { fc, runs } from '../support/property.ts'

const corpus = readFileSync('test/program/mistakes.txt', 'utf8').split('====\n')[0] ?? ''
const sources = [
  corpus.slice(corpus.indexOf('\n\n') + 2, -1),
  readFileSync('rules/corner-coffee/program.yaml', 'utf8'),
]

// Rows and cells of tables, values of fields and names of things are free: a program may hold ones that no
// rule uses, and shows of them only what is used.
const FREE = /^(tables|transactions|members|neverEarn|name)\b|\bname( key)?$/
// What these are where they are left out is what they are in the programs below.
const DEFAULTS = /^(money|returns|tiers\.validity|currencies\.\w+\.kind)( key)?$/

/** What YAML says that the file holds: each path with its text, in a form in which equal things are equal. */
function written(text: string): Map<string, string> {
  const found = new Map<string, string>()
  visit(parseDocument(text, { uniqueKeys: false }), {
    Scalar(key, node, path) {
      const steps = path.flatMap((each) => {
        if (!('key' in each)) return []
        return [each.key instanceof Scalar ? String(each.key.value) : '']
      })
      const at = `${steps.join('.')}${key === 'key' ? ' key' : ''}`
      const shown = canonical(node.source ?? String(node.value))
      found.set(at, `${found.get(at) ?? ''}|${shown}`)
    },
  })
  return found
}

// `40 bean` is `40 beans`, 0.050 is 0.05, folded lines are one line, and signs stand with spaces or without.
function canonical(text: string): string {
  const words = text
    .replaceAll(/[,()*/+]|[<>=!]+/g, ' $& ')
    .trim()
    .split(/\s+/)
  return words
    .map((word) => (/^\d+(\.\d+)?$/.test(word) ? new Decimal(word).toString() : word.replace(/s$/, '')))
    .join(' ')
}

/** Everything that a program shows of itself, its conditions and awards in their own words. */
function shown(program: Program): string {
  const { version: _, ...rest } = program
  const declared = JSON.stringify(rest, (key, value: unknown) => {
    if (FREE.test(key) || key === 'memberAttributes' || key === 'transactionTypes') return undefined
    if (value instanceof Map || value instanceof Set) return [...value]
    if (typeof value === 'string') return canonical(value)
    return typeof value === 'bigint' ? value.toString() : value
  })
  // Formulas and limits are shown as they are written: however that was spaced, they say the same.
  return [declared, ...program.rules.rules.flatMap((rule) => wordsOf(program, rule).map(canonical))].join(
    '\n',
  )
}

function wordsOf(program: Program, rule: Rule): string[] {
  const sight = sightOf(program, rule.on[0] ?? 'purchase')
  return [
    ...[...rule.tests, ...rule.lineTests].map((test) => `${test.because(sight)} ${test.holds(sight)}`),
    ...rule.grants.map((grant) => {
      const saw = grant.facts.map((fact) => `${fact.name} ${fact.read(sight)}`)
      const exact = grant.exact(sight) ?? new Decimal(0)
      return `${grant.explain({ sight, exact: () => exact })} ${saw} ${exact}`
    }),
  ]
}

function sightOf(program: Program, type: string): Sight {
  const line: LineFacts = {
    ...{ lineId: '1', sku: '71053', category: 'tea', kind: 'item', attributes: { size: 'small' } },
    ...{ quantity: new Decimal(1), net: new Decimal(7), tax: new Decimal(1), gross: new Decimal(8) },
  }
  const transaction: TransactionFacts = {
    type,
    occurredAt: new Date('2027-04-04T21:07:00Z'),
    lines: [line],
    tenders: [],
    location: 'harbour',
    channel: 'till',
    attributes: { cabin: 'economy', distance: 1009, own: true, nights: 11, flownOn: '2027-04-03' },
  }
  const tiers = new Map(
    program.ladders.map(({ id, tiers: [base] }) => [id, { tier: base?.id ?? '', rank: 0 }]),
  )
  const member = { enrolledAt: new Date('2026-01-01T00:00:00Z'), attributes: {}, tiers }
  const sight = new Sight({ transaction, member, timeZone: program.timeZone, givers: program.rules.givers })
  sight.basis = basisOf(transaction, () => false)
  sight.line = line
  for (const [rule, currencies] of program.rules.givers) {
    for (const currency of currencies) sight.give(rule, currency, 3n)
  }
  return sight
}

const load = (text: string): Program | null => loadProgram(new Map([['program.yaml', text]])).program

t.setTimeout(600_000)

/** What breaks the property, or null. */
function complaint(original: string, edited: string): string | null {
  const program = load(edited)
  if (program === null) return null
  const before = load(original)
  if (before === null) return 'the program itself is refused'
  const [was, is] = [written(original), written(edited)]
  const changed = [...new Set([...was.keys(), ...is.keys()])].filter((path) => was.get(path) !== is.get(path))
  const telling = changed.filter((path) => !FREE.test(path) && !(DEFAULTS.test(path) && !is.has(path)))
  const same = shown(before) === shown(program)
  if (changed.length === 0 && !same) return 'YAML reads the same, the program is another one'
  if (telling.length > 0 && same) return `nobody read what changed at ${telling.join(', ')}`
  return null
}

for (const source of sources) {
  const name = /^program: (.*)$/m.exec(source)?.[1] ?? ''

  t.test(`${name}: a word left out, doubled or altered is refused, or makes another program`, async (t) => {
    const found: string[] = []
    for (const { 0: word, index } of source.matchAll(/[^\s,:{}[\]"']+/g)) {
      const [before, after] = [source.slice(0, index), source.slice(index + word.length)]
      for (const instead of ['', `${word}q`, word.replace(/\d/, '8'), `${word} ${word}`]) {
        const broken = instead === word ? null : complaint(source, before + instead + after)
        if (broken) found.push(`${word} -> ${instead}: ${broken}`)
      }
    }
    t.same(found, [])
  })

  t.test(`${name}: so is a line left out, doubled, or indented otherwise`, async (t) => {
    const found: string[] = []
    const lines = source.split('\n')
    for (const [index, line] of lines.entries()) {
      for (const instead of [[], [line, line], [` ${line}`], [line.slice(1)]]) {
        const broken = complaint(source, lines.toSpliced(index, 1, ...instead).join('\n'))
        if (broken) found.push(`${index + 1} -> ${instead.join('/')}: ${broken}`)
      }
    }
    t.same(found, [])
  })

  t.test(`${name}: so is any edit of characters`, async () => {
    const piece = fc.constantFrom(
      ...':-#,.0159{}[]"\'=<>*/+ \n',
      'EUR',
      '% ',
      '- ',
      ': ',
      'true',
      'null',
      '1e3',
    )
    const edit = fc.record({
      at: fc.nat(source.length),
      length: fc.nat(3),
      piece: fc.option(piece, { nil: '' }),
    })
    fc.assert(
      fc.property(edit, ({ at, length, piece }) => {
        const broken = complaint(source, source.slice(0, at) + piece + source.slice(at + length))
        if (broken) throw new Error(broken)
      }),
      { numRuns: runs(200) },
    )
  })
}
