/**
 * Cuts a formula into tokens that know their offset. Numbers stay text here, so that nothing on the way to
 * Decimal ever goes through a float.
 */
import { equalsHint, strangeSigns } from './slips.ts'

export interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'rule' | 'symbol' | 'end'
  /** a text without its quotes */
  readonly text: string
  readonly offset: number
  /** offset just after it */
  readonly end: number
}

/** A formula that cannot be read: thrown inside the compiler, reported as a Problem at its door. */
export class SyntaxFault extends Error {
  readonly offset: number
  readonly hint: string | undefined

  constructor(offset: number, message: string, hint?: string) {
    super(message)
    this.name = 'SyntaxFault'
    this.offset = offset
    this.hint = hint
  }
}

const SPACE = /\s+/y
const NUMBER = /\d+(?:\.\d+)?/y
// A day or a time without quotes would be a subtraction or a ratio.
const DAY = /\d{4}-\d{2}-\d{2}(?![\d-])/y
const TIME = /\d{1,2}:\d{2}(?!\d)/y
// Nothing can be subtracted from a tier or a rule, so hyphens in their names are part of them.
const LADDER = /tier\.[\p{L}_][\p{L}\p{N}_-]*/uy
const NAME = /[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*/uy
const RULE = /[^\s()'",]+/y
// Between backticks, a name may hold what would else be read as an operator: `fare-classes`.
const QUOTED = /`([\p{L}_][\p{L}\p{N}_.?-]*)`/uy
const SYMBOL = /==|!=|<=|>=|[<>+\-*/()[\],.]/y

const slips = new Map([
  ['&', 'write and'],
  ['|', 'write or'],
  ['!', 'write not'],
  ['^', 'multiply instead: there are no powers'],
  ['%', 'divide by 100 instead: 5 % is 0.05'],
  ['?', 'write if … then … else …'],
  ['.', 'a number begins with a digit: 0.5'],
])

/** `distance % 10`: what is left over, and no share. */
function remainder(source: string, offset: number): string | undefined {
  return /^% ?[\w(]/.test(source.slice(offset, offset + 3))
    ? 'there is no remainder: use floor(…)'
    : undefined
}

const patterns = [
  ['name', LADDER],
  ['name', NAME],
  ['symbol', SYMBOL],
] as const

export function lex(source: string): Token[] {
  const tokens: Token[] = []
  let offset = pastSpace(source, 0)
  while (offset < source.length) {
    const token =
      readTextAt(source, offset) ??
      readQuotedAt(source, offset) ??
      readRuleAt(source, offset, tokens) ??
      readPatternAt(source, offset)
    tokens.push(token)
    offset = pastSpace(source, token.end)
  }
  tokens.push({ kind: 'end', text: '', offset: source.length, end: source.length })
  return tokens
}

function pastSpace(source: string, offset: number): number {
  SPACE.lastIndex = offset
  return SPACE.test(source) ? SPACE.lastIndex : offset
}

// By `test`, which leaves nothing behind: a program may have hundreds of thousands of tokens.
function matchAt(pattern: RegExp, source: string, offset: number): string | null {
  pattern.lastIndex = offset
  return pattern.test(source) ? source.slice(offset, pattern.lastIndex) : null
}

function readTextAt(source: string, offset: number): Token | null {
  const quote = source[offset]!
  if (quote !== "'" && quote !== '"') return null
  const close = source.indexOf(quote, offset + 1)
  if (close < 0) throw new SyntaxFault(offset, `this text has no closing ${quote}`)
  return { kind: 'text', text: source.slice(offset + 1, close), offset, end: close + 1 }
}

function readQuotedAt(source: string, offset: number): Token | null {
  if (source[offset] !== '`') return null
  const quoted = matchAt(QUOTED, source, offset)
  if (quoted === null) throw new SyntaxFault(offset, 'between backticks stands a name: `fare-classes`')
  return { kind: 'name', text: quoted.slice(1, -1), offset, end: offset + quoted.length }
}

/** After `awarded(` comes the id of a rule, which may hold hyphens. */
function readRuleAt(source: string, offset: number, before: readonly Token[]): Token | null {
  const last = before.at(-1)
  if (last?.text !== '(' || last.kind !== 'symbol' || before.at(-2)?.text !== 'awarded') return null
  const text = matchAt(RULE, source, offset)
  return text === null ? null : { kind: 'rule', text, offset, end: offset + text.length }
}

const digitKinds = [
  [DAY, 'day'],
  [TIME, 'time of day'],
] as const

function readNumberAt(source: string, offset: number): Token {
  for (const [pattern, what] of digitKinds) {
    const text = matchAt(pattern, source, offset)
    if (text !== null)
      throw new SyntaxFault(offset, `a ${what} stands in quotes`, `write '${text.padStart(5, '0')}'`)
  }
  const text = matchAt(NUMBER, source, offset) ?? source[offset]!
  return { kind: 'number', text, offset, end: offset + text.length }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function readPatternAt(source: string, offset: number): Token {
  if (isDigit(source.charCodeAt(offset))) return readNumberAt(source, offset)
  for (const [kind, pattern] of patterns) {
    const text = matchAt(pattern, source, offset)
    if (text !== null) return { kind, text, offset, end: offset + text.length }
  }
  const [character] = [...source.slice(offset, offset + 2)]
  const sign = character ?? ''
  const hint =
    sign === '='
      ? equalsHint(source, offset)
      : (remainder(source, offset) ?? slips.get(sign) ?? strangeSigns.get(sign))
  throw new SyntaxFault(offset, `unexpected "${sign}"`, hint)
}
