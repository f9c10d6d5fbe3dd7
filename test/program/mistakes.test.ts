/**
 * The corpus of mistakes: `mistakes.txt` holds a program and edits of it, each one mistake that a person
 * would make, with all that is told of it. Nothing but what is told may change without the file changing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Fault } from '../../src/base/errors.ts'
import { loadProgram } from '../../src/program/load.ts'

t.setTimeout(600_000)

interface Corpus {
  readonly file: string
  readonly head: string
  readonly program: string
  readonly mistakes: readonly Mistake[]
}

interface Mistake {
  readonly from: string
  readonly to: string
  readonly told: string
}

function readCorpus(file: string): Corpus {
  const [head = '', corpus = ''] = readFileSync(file, 'utf8').split('====\n')
  const mistakes = corpus
    .trim()
    .split(/\n\n+/)
    .map((entry) => {
      const [from = '', to = '', ...told] = entry.split('\n')
      return { from, to, told: told.join('\n') }
    })
  return { file, head, program: head.slice(head.indexOf('\n\n') + 2, -1), mistakes }
}

/** The text of a line of the corpus, which has `\n`, `\t` and `\u…` for what would not be seen. */
function unescaped(line: string): string {
  return line.slice(2).replace(/\\(?:n|t|u([0-9a-f]{4}))/g, (sign, code: string | undefined) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    return sign === '\\n' ? '\n' : '\t'
  })
}

function toldOf(text: string): string {
  const { program, errors } = loadProgram(new Map([['program.yaml', text]]))
  t.equal(program === null, errors.length > 0, 'a program with an error does not exist')
  return errors.map((fault) => shown(fault, text.split('\n'))).join('\n')
}

function shown({ line, column, endColumn, message, hint }: Fault, lines: readonly string[]): string {
  const from = (column ?? 0) - 1
  const under = lines[(line ?? 0) - 1]?.slice(from, (endColumn ?? from + 2) - 1) ?? ''
  const place = `${line}:${column} [${under.replace(/[\p{Cc}\u200b\u00a0\u202e]/gu, '\ufffd')}]`
  return `${place} ${message}${hint === undefined ? '' : `\n  hint: ${hint}`}`
}

// Each row: a corpus, and how many mistakes it has at least.
const corpora = [
  ['test/program/mistakes.txt', 500],
  ['test/program/mistakes-of-campaigns.txt', 150],
] as const

for (const [file, least] of corpora) {
  const { head, program, mistakes } = readCorpus(file)
  const edited = ({ from, to }: Mistake) => program.replace(unescaped(from), () => unescaped(to))
  t.equal(toldOf(program), '', 'the program itself has no mistake')

  if (process.env.TAP_SNAPSHOT === '1') {
    const renewed = mistakes.map((each) => `${each.from}\n${each.to}\n${toldOf(edited(each))}\n`)
    writeFileSync(file, `${head}====\n\n${renewed.join('\n')}`)
  }

  t.ok(mistakes.length >= least, `${mistakes.length} mistakes`)
  t.equal(new Set(mistakes.map(({ from, to }) => `${from} ${to}`)).size, mistakes.length, 'each stands once')

  for (const mistake of process.env.TAP_SNAPSHOT === '1' ? [] : mistakes) {
    t.test(mistake.to, async (t) => {
      t.ok(program.includes(unescaped(mistake.from)), 'there is such a part')
      const found = toldOf(edited(mistake))
      t.not(found, '', 'it is told of')
      t.equal(found, mistake.told)
    })
  }
}
