/**
 * The text of a rule file, and YAML's own reading of it. Only the plain part of YAML is taken: one document
 * of maps, lists and scalars; no anchors, aliases, tags or directives. Whatever the bytes are, the answer is
 * a document or problems, within a time that the size of the file bounds.
 */
import { Lexer, LineCounter, type ParsedNode, parseDocument, type YAMLError } from 'yaml'
import type { Place, Report } from '../rules/node.ts'

/** Deeper than any rule file that a person writes. */
export const DEEPEST = 50
/** Syntax errors past these are mostly echoes of the first ones. */
const MOST_SYNTAX_ERRORS = 10

export interface Source {
  readonly file: string
  readonly text: string
  readonly lines: LineCounter
  readonly report: Report
}

/** The file's text, or null (reported) where it is none. */
export function openSource(file: string, content: Uint8Array | string, report: Report): Source | null {
  const text = decode(content)
  if (text !== null) return { file, text, lines: linesOf(text), report }
  const message = 'the file is not text in UTF-8'
  report({ at: { file, line: 1, column: 1, path: '' }, message, hint: 'save it as UTF-8' })
  return null
}

export function placeAt(source: Source, offset: number, path: string): Place {
  const { line, col } = source.lines.linePos(Math.min(offset, source.text.length))
  return { file: source.file, line, column: col, path }
}

function decode(content: Uint8Array | string): string | null {
  if (typeof content === 'string') return content.startsWith('\ufeff') ? content.slice(1) : content
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return null
  }
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter()
  lines.addNewLine(0)
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1)
  return lines
}

/**
 * Looks at the tokens before anything is built: what is refused outright is refused here, with its place
 * and at little cost, so that a hostile file cannot make the parser work for long.
 */
export function isPlainYaml(source: Source): boolean {
  const control = source.text.search(/[^\P{Cc}\t\n\r]/u)
  if (control >= 0) {
    source.report({ at: placeAt(source, control, ''), message: 'the file holds a control character' })
    return false
  }

  const refused = firstRefused(source.text)
  if (refused) source.report({ at: placeAt(source, refused.at, ''), message: refused.message })
  return refused === null
}

function firstRefused(text: string): { at: number; message: string } | null {
  const nesting = newNesting()
  let at = 0
  let comma = false
  for (const token of new Lexer().lex(text)) {
    if (token === SCALAR_FOLLOWS || token === DOCUMENT_STARTS || token === FLOW_ENDS) continue
    if (nesting(token) > DEEPEST) return { at, message: `nested deeper than ${DEEPEST} levels` }
    if (token === ',' && comma) return { at, message: 'two commas with nothing between them' }
    const message = refusedStart(text, at, token)
    if (message !== null) return { at, message }
    if (token.trim() !== '') comma = token === ','
    at += token.length
  }
  return null
}

/** Counts how deep brackets and the dashes of one line go. Indentation alone cannot go deep in a bounded file. */
function newNesting(): (token: string) => number {
  let brackets = 0
  let dashes = 0
  return (token) => {
    if (token === '[' || token === '{') brackets += 1
    else if (token === ']' || token === '}') brackets = Math.max(0, brackets - 1)
    else if (token === '-' || token === '?') dashes += 1
    else if (token.startsWith('\n') || token.startsWith('\r')) dashes = 0
    return Math.max(brackets, dashes)
  }
}

// The lexer's own marks between tokens; they are not part of the text.
const DOCUMENT_STARTS = '\x02'
const FLOW_ENDS = '\x18'
const SCALAR_FOLLOWS = '\x1f'

/** Anchors, aliases, tags and directives begin with a sign that no scalar token can begin with. */
function refusedStart(text: string, at: number, token: string): string | null {
  const sign = token[0]
  const reads = token.length > 40 ? `${token.slice(0, 40)}…` : token
  if (sign === '&') return `anchors such as "${reads}" are not part of rule files`
  if (sign === '*') return `aliases such as "${reads}" are not part of rule files; write the value out`
  if (sign === '!') return `tags such as "${reads}" are not part of rule files`
  if (sign === '%' && (at === 0 || text[at - 1] === '\n')) return 'directives are not part of rule files'
  return null
}

export function parse(source: Source): ReturnType<typeof parseDocument<ParsedNode>> | null {
  try {
    // Keys are compared in toNode: the library's own check is quadratic in the number of keys.
    const document = parseDocument<ParsedNode>(source.text, {
      prettyErrors: false,
      uniqueKeys: false,
      maxAliasCount: 0,
      merge: false,
      schema: 'core',
      logLevel: 'error',
    } as Parameters<typeof parseDocument>[1])
    if (document.errors.length === 0) return document as ReturnType<typeof parseDocument<ParsedNode>>
    reportSyntax(source, document.errors)
    return null
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    source.report({ at: placeAt(source, 0, ''), message: `nested deeper than ${DEEPEST} levels` })
    return null
  }
}

function reportSyntax(source: Source, errors: readonly YAMLError[]): void {
  const seen = new Set<number>()
  for (const error of errors) {
    const at = placeAt(source, error.pos[0], '')
    // One mistake makes several errors on its line; the first one is the one to mend.
    if (seen.has(at.line)) continue
    if (seen.size === MOST_SYNTAX_ERRORS) return
    seen.add(at.line)
    source.report({ at, ...inOurWords(error, source.text) })
  }
}

const SPACED = 'write `key: value`, with a space after the colon'

function inOurWords(error: YAMLError, text: string): { message: string; hint?: string } {
  const here = text[error.pos[0]] ?? ''
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab stands where only spaces may', hint: 'indent with spaces' }
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        message: 'a second ":" where the value should end',
        hint: 'put the value in quotes, or check the indentation of the next line',
      }
    case 'MULTILINE_IMPLICIT_KEY':
      return { message: 'a ":" is missing after the key', hint: SPACED }
    case 'BAD_SCALAR_START':
      return { message: `a value can't begin with "${here}"`, hint: 'put the value in quotes' }
    case 'MISSING_CHAR':
      if (error.message.includes('closing')) return { message: 'the closing quote is missing' }
      return { message: 'a ":" is missing after the key', hint: SPACED }
    case 'BAD_INDENT':
      if (!error.message.startsWith('Flow'))
        return { message: 'this line is indented unlike the ones above it' }
      return {
        message: `the closing ${error.message.slice(-1)} is missing, or this line is not indented enough`,
      }
    case 'MULTIPLE_DOCS':
      return { message: 'a rule file holds one document; "---" begins a second one' }
    default:
      return { message: error.message.charAt(0).toLowerCase() + error.message.slice(1) }
  }
}
