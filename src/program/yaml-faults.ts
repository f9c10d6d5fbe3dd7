/**
 * What is wrong with a text that is no YAML, in words for people who do not know YAML. One mistake makes
 * YAML's own reading stumble on many lines; the cause is looked for, and it alone is told, where it stands.
 */
import type { YAMLError } from 'yaml'
import type { Problem } from '../rules/node.ts'
import { placeAt, type Source } from './source.ts'

interface Told {
  /** offset into the text */
  readonly at: number
  readonly length?: number
  readonly message: string
  readonly hint?: string
}

const MOST_LINES_TOLD = 10
const QUOTES = 'put the value in quotes'
const SPACED = 'write `key: value`, with a space after the colon'

/** The problems of a text with at least one error; `tokens` are its pieces in order. */
export function syntaxProblems(
  source: Source,
  errors: readonly YAMLError[],
  tokens: readonly string[],
): Problem[] {
  const [error] = [...errors].sort((a, b) => a.pos[0] - b.pos[0])
  if (!error) return []
  const strange = strangeLines(source.text)
  const told = strange.length > 0 ? strange : [cause(source.text, error, tokens)]
  return told.map(({ at, ...rest }) => ({ at: placeAt(source, at, ''), ...rest }))
}

/** Lines that are wrong whatever stands around them. */
function strangeLines(text: string): Told[] {
  const tabs = matches(text, /^ *\t/gm).map(({ index, 0: { length } }) => ({
    at: index + length - 1,
    length: 1,
    message: 'a tab stands where only spaces may',
    hint: 'indent with spaces',
  }))
  const conflicts = matches(text, /^(?:<{7}|={7}|>{7})(?= |\r?$)/gm).map(({ index }) => ({
    at: index,
    length: 7,
    message: 'a conflict of two versions is left in the file',
    hint: 'keep one of the two, and delete the lines that mark them',
  }))
  return [...tabs, ...conflicts]
}

function matches(text: string, pattern: RegExp): RegExpExecArray[] {
  const found: RegExpExecArray[] = []
  for (const match of text.matchAll(pattern)) {
    if (found.length === MOST_LINES_TOLD) break
    found.push(match)
  }
  return found
}

function cause(text: string, error: YAMLError, tokens: readonly string[]): Told {
  const at = Math.min(error.pos[0], text.length)
  return (
    ofBrackets(text, { at, error, tokens }) ??
    ofQuotes(text, { at, error, tokens }) ??
    ofLine(text, at) ??
    ofColons(text, { at, error }) ??
    inOurWords(text, { at, error })
  )
}

interface Found {
  readonly at: number
  readonly error: YAMLError
}

interface Read extends Found {
  readonly tokens: readonly string[]
}

/** The lexer's mark that a flow of { } or [ ] ends without its bracket. */
const FLOW_ENDS = '\x18'
const MARKS = new Set(['\x02', FLOW_ENDS, '\x1f'])

interface Brackets {
  /** without their other half */
  readonly unclosed: readonly number[]
  /** the first that stands in a value, `fares[fareClass]` inside others: for YAML the value ends there */
  readonly inside: number | null
}

function bracketsOf(tokens: readonly string[]): Brackets {
  const open: number[] = []
  const left: number[] = []
  let at = 0
  let before = ''
  let inside: number | null = null
  for (const token of tokens) {
    if (token === FLOW_ENDS && open.length > 0) left.push(...open.splice(0))
    if (MARKS.has(token)) continue
    if (token === '{' || token === '[') {
      if (open.length > 0 && WORD_END.test(before)) inside ??= at
      open.push(at)
    } else if (token === '}' || token === ']') open.pop()
    before = token
    at += token.length
  }
  return { unclosed: [...left, ...open], inside }
}

function ofBrackets(text: string, { at: fault, error, tokens }: Read): Told | null {
  const { unclosed: open, inside } = bracketsOf(tokens)
  const inValue = (at: number): Told => {
    return { at, length: 1, message: `a ${text[at]} stands in the middle of a value`, hint: BRACKETS }
  }
  if (inside !== null && inside <= fault && lineAt(text, inside) === lineAt(text, fault))
    return inValue(inside)
  const unclosed = open.filter((each) => each <= fault).at(-1)
  const sign = unclosed === undefined ? '' : text[unclosed]!
  if (unclosed !== undefined && !/closing .?quote/.test(error.message)) {
    const hint = `write the ${sign === '{' ? '}' : ']'} where it ends`
    return { at: unclosed, length: 1, message: `this ${sign} is never closed`, hint }
  }
  const here = text[fault] ?? ''
  if (error.code !== 'UNEXPECTED_TOKEN') return null
  if (here === '}' || here === ']')
    return { at: fault, length: 1, message: `this ${here} closes nothing`, hint: 'delete it' }
  return here === '[' || here === '{' ? inValue(fault) : null
}

const WORD_END = /[\p{L}\p{N}`_-]$/u
const BRACKETS = 'inside { } and [ ] put a value that has brackets of its own in quotes'

/** Where the line of a place begins. */
function lineAt(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1)
}

function ofQuotes(text: string, { at: fault, error, tokens }: Read): Told | null {
  if (error.code === 'MISSING_CHAR' && error.message.includes('closing')) {
    let at = 0
    let begin = fault
    for (const token of tokens) {
      if (MARKS.has(token)) continue
      if (at > fault) break
      if (token[0] === '"' || token[0] === "'") begin = at
      at += token.length
    }
    const quote = text[begin] ?? '"'
    return {
      at: begin,
      length: 1,
      message: `the closing ${quote} is missing`,
      hint: `end the text with ${quote}`,
    }
  }
  const before = text.slice(0, fault).trimEnd().at(-1)
  if (error.code !== 'UNEXPECTED_TOKEN' || (before !== '"' && before !== "'")) return null
  const hint = `put the whole value in quotes of the other kind, or leave them all out`
  return { at: fault, length: 1, message: `the value goes on after its closing ${before}`, hint }
}

/** Slips that show in the very line: `-id: x`, `name:x`, `name = x`, `// x`. */
function ofLine(text: string, fault: number): Told | null {
  const begin = text.lastIndexOf('\n', fault - 1) + 1
  const line = text.slice(begin, text.indexOf('\n', fault) < 0 ? undefined : text.indexOf('\n', fault))
  const dash = /^ *-(?=[\p{L}_]\S*:(?: |$))/u.exec(line)
  if (dash) {
    const hint = 'write `- id: …`, with a space after the dash'
    return { at: begin + dash[0].length - 1, length: 1, message: 'a space is missing after the "-"', hint }
  }
  const comment = /^ *(\/\/|--|;)/.exec(line)
  if (comment) {
    const at = begin + comment[0].length - comment[1]!.length
    return { at, length: comment[1]!.length, message: 'this is no comment', hint: 'a comment begins with #' }
  }
  const glued = /^ *(?:- )?[\p{L}_][\p{L}\p{N}_?-]*:(?=[^\s:])/u.exec(line)
  if (glued)
    return {
      at: begin + glued[0].length - 1,
      length: 1,
      message: 'a space is missing after the ":"',
      hint: SPACED,
    }
  const equals = /^ *(?:- )?[\p{L}_][\p{L}\p{N}_?-]* *=(?!=)/u.exec(line)
  if (equals)
    return {
      at: begin + equals[0].length - 1,
      length: 1,
      message: 'a key is followed by ":", not by "="',
      hint: SPACED,
    }
  return null
}

function ofColons(text: string, { at, error }: Found): Told | null {
  if (error.code === 'BLOCK_IN_FLOW') {
    const colon = /:(?=\s)/g
    colon.lastIndex = at
    const second = colon.exec(text)?.index ?? at
    const hint = `write a comma between two keys, or ${QUOTES}`
    return { at: second, length: 1, message: 'a second ":" where the value should end', hint }
  }
  if (error.code !== 'BLOCK_AS_IMPLICIT_KEY') return null
  const lineEnd = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at)
  const colon = text.slice(at, lineEnd).search(/:(?=\s|$)/)
  if (colon >= 0 && /\S/.test(text[at] ?? '')) {
    return { at: at + colon, length: 1, message: 'a second ":" where the value should end', hint: QUOTES }
  }
  // The value ends on its line, yet the next line is indented as if it went on.
  const next = /\n( *)(?=[^\s#])/g
  next.lastIndex = /\S/.test(text[at] ?? '') ? lineEnd : Math.max(0, at - 1)
  const match = next.exec(text)
  return match && indented(text, match.index + 1 + match[1]!.length)
}

/** A line whose indentation makes it part of what it is not part of. */
function indented(text: string, at: number): Told {
  const begin = text.lastIndexOf('\n', at - 1) + 1
  const spaces = at - begin
  const above =
    text
      .slice(0, Math.max(0, begin - 1))
      .split('\n')
      .findLast((line) => /^ *[^\s#]/.test(line)) ?? ''
  const [lead = ''] = /^ *(?:- +)*/.exec(above) ?? []
  const message = `this line is indented by ${spaces === 1 ? '1 space' : `${spaces} spaces`}, which fits no line above it`
  const fits = [...new Set([lead.length, lead.search(/-/)])].filter((each) => each >= 0 && each !== spaces)
  const hint = `the line above it begins after ${fits.join(' or ')}`
  return { at, length: 1, message, ...(fits.length > 0 ? { hint } : {}) }
}

function inOurWords(text: string, { at, error }: Found): Told {
  const here = text[at] ?? ''
  const begin = text.lastIndexOf('\n', at - 1) + 1
  const blank = text.slice(begin, at + 1).trim() === ''
  switch (error.code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'BAD_INDENT':
      return indented(text, blank ? at + text.slice(at).search(/\S|$/) : at)
    case 'MISSING_CHAR':
    case 'MULTILINE_IMPLICIT_KEY':
      if (blank && here === ' ') return indented(text, at + text.slice(at).search(/\S|$/))
      return { at, message: 'a ":" is missing after the key', hint: SPACED }
    case 'BAD_SCALAR_START':
      return { at, length: 1, message: `a value can't begin with ${here}`, hint: QUOTES }
    case 'BAD_DQ_ESCAPE':
      return { at, length: 2, message: 'inside "…" a \\ begins a sign of its own', hint: "use '…' instead" }
    case 'KEY_OVER_1024_CHARS':
      return { at, message: 'a key is at most 1,024 characters long' }
    case 'UNEXPECTED_TOKEN':
      return {
        at,
        message: 'nothing of the kind can stand here',
        hint: 'check the indentation, or the line above',
      }
    default:
      return { at, message: error.message.charAt(0).toLowerCase() + error.message.slice(1) }
  }
}
