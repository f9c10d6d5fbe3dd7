/**
 * YAML's own reading of a rule file. Only the plain part of YAML is taken: one document of maps, lists and
 * scalars; no anchors, aliases, tags or directives. The file is cut into tokens first and refused there
 * where it is too much, so that the time is bounded whatever the bytes are.
 */
import { Composer, type CST, type Document, Lexer, type ParsedNode, Parser } from 'yaml'
import { placeAt, type Source } from './source.ts'
import { syntaxProblems } from './yaml-faults.ts'

/** Deeper than any rule file that a person writes. */
export const DEEPEST = 50
/** Of one file: some 15,000 lines, or 2,000 rules of one line. Building the tree takes about 5 µs for each. */
const MOST_TOKENS = 100_000
/** Of all files of a program together. */
const MOST_TOKENS_OF_ALL = 800_000

/** What the files of a program have left between them. */
export interface Budget {
  tokens: number
  /** some file was refused because they are too much together */
  isSpent: boolean
}

export function newBudget(): Budget {
  return { tokens: MOST_TOKENS_OF_ALL, isSpent: false }
}

type Parsed = Document.Parsed<ParsedNode>

/** A text cut into its tokens, of which nothing is built yet. */
export interface CutYaml {
  readonly source: Source
  readonly tokens: readonly string[]
}

/** Null (reported) where the text holds what rule files do not take, or too much. */
export function cutYaml(source: Source, budget: Budget): CutYaml | null {
  const tokens: string[] = []
  const most = Math.min(MOST_TOKENS, budget.tokens)
  const refused = firstRefused(source.text, { tokens, most })
  budget.tokens -= tokens.length
  if (refused === null) return { source, tokens }
  const { at, isTooMuch = false, ...told } = refused
  if (isTooMuch && most < MOST_TOKENS) budget.isSpent = true
  source.report({ at: placeAt(source, at, ''), ...told })
  return null
}

interface Refused {
  readonly at: number
  readonly message: string
  readonly length?: number
  readonly hint?: string
  readonly isTooMuch?: boolean
}

/** Looks at the tokens before anything is built: what is refused outright is refused here, with its place. */
function firstRefused(text: string, { tokens, most }: { tokens: string[]; most: number }): Refused | null {
  const nesting = newNesting()
  let at = 0
  let comma = false
  for (const token of new Lexer().lex(text)) {
    if (tokens.length === most) return { at, isTooMuch: true, ...tooMuch(most) }
    tokens.push(token)
    if (token === SCALAR_FOLLOWS || token === DOCUMENT_STARTS || token === FLOW_ENDS) continue
    if (nesting(token) > DEEPEST) return { at, message: `nested deeper than ${DEEPEST} levels` }
    if (token === ',' && comma)
      return { at, length: 1, message: 'two commas with nothing between them', hint: 'delete one of them' }
    const refused = refusedStart(text, at, token)
    if (refused !== null) return { at, length: Math.min(token.length, 60), ...refused }
    if (token.trim() !== '') comma = token === ','
    at += token.length
  }
  return null
}

function tooMuch(most: number): { message: string; hint: string } {
  return most < MOST_TOKENS
    ? { message: `the program holds more than ${counted(MOST_TOKENS_OF_ALL)}`, hint: 'leave some of it out' }
    : {
        message: `the file holds more than ${counted(MOST_TOKENS)}, too much for one`,
        hint: 'put rules into several files under campaigns/',
      }
}

function counted(tokens: number): string {
  return `${tokens.toLocaleString('en')} words and signs`
}

/** Counts how deep brackets, the dashes of one line, and indentation go; the deepest of the three. */
function newNesting(): (token: string) => number {
  let brackets = 0
  let dashes = 0
  let atStart = true
  const indents: number[] = []
  return (token) => {
    if (token === '[' || token === '{') brackets += 1
    else if (token === ']' || token === '}') brackets = Math.max(0, brackets - 1)
    else if (token === '-' || token === '?') dashes += 1
    else if (token.startsWith('\n') || token.startsWith('\r')) dashes = 0
    if (atStart && /^ +$/.test(token)) {
      while ((indents.at(-1) ?? 0) > token.length) indents.pop()
      if (brackets === 0 && token.length > (indents.at(-1) ?? 0)) indents.push(token.length)
    }
    atStart = token.endsWith('\n') || token.endsWith('\r')
    return Math.max(brackets, dashes, indents.length)
  }
}

// The lexer's own marks between tokens; they are not part of the text.
const DOCUMENT_STARTS = '\x02'
const FLOW_ENDS = '\x18'
const SCALAR_FOLLOWS = '\x1f'

/** Anchors, aliases, tags and directives begin with a sign that no scalar token can begin with. */
function refusedStart(text: string, at: number, token: string): { message: string; hint?: string } | null {
  const sign = token[0]
  const reads = token.length > 40 ? `${token.slice(0, 40)}…` : token
  if (sign === '&') return { message: `anchors such as "${reads}" are not part of rule files` }
  if (sign === '*')
    return { message: `aliases such as "${reads}" are not part of rule files; write the value out` }
  if (sign === '!')
    return {
      message: `tags such as "${reads}" are not part of rule files`,
      hint: 'leave it out, or put the whole value in quotes',
    }
  if (sign === '%' && (at === 0 || text[at - 1] === '\n'))
    return { message: 'directives are not part of rule files' }
  return null
}

/** The document, or null (reported) where it is no YAML, or more than one. */
export function composeYaml({ source, tokens }: CutYaml): Parsed | null {
  // Keys are compared in the tree: the library's own check is quadratic in the number of keys.
  const composer = new Composer<ParsedNode, true>({
    prettyErrors: false,
    uniqueKeys: false,
    merge: false,
    schema: 'core',
    logLevel: 'error',
  })
  try {
    const [document, second] = composer.compose(parsed(tokens), true, source.text.length)
    if (document && document.errors.length === 0 && !second) return document
    if (document && document.errors.length > 0) {
      for (const found of syntaxProblems(source, document.errors, tokens)) source.report(found)
    }
    if (second && document?.errors.length === 0) {
      const message = 'a rule file holds one document; "---" begins a second one'
      source.report({ at: placeAt(source, second.range[0], ''), message })
    }
    return null
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    source.report({ at: placeAt(source, 0, ''), message: `nested deeper than ${DEEPEST} levels` })
    return null
  }
}

function* parsed(tokens: readonly string[]): Generator<CST.Token, void> {
  const parser = new Parser()
  for (const token of tokens) yield* parser.next(token)
  yield* parser.end()
}
