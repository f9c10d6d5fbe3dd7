/**
 * The text of a rule file, and the places in it. Whatever the bytes are, the answer is a text that holds
 * nothing invisible that could deceive a reader, or problems with their places.
 */
import { LineCounter } from 'yaml'
import type { Place, Report } from '../rules/node.ts'

export interface Source {
  readonly file: string
  readonly text: string
  readonly lines: LineCounter
  readonly report: Report
}

/** The file's text, or null (reported) where it is none. */
export function openSource(file: string, content: Uint8Array | string, report: Report): Source | null {
  const text = typeof content === 'string' ? withoutMark(content) : decode(file, content, report)
  if (text === null) return null
  const source = { file, text, lines: linesOf(text), report }
  const strange = strangeCharacter(text)
  if (strange === null) return source
  const { at, message, hint } = strange
  report({ at: placeAt(source, at, ''), length: 1, message, hint })
  return null
}

export function placeAt(source: Source, offset: number, path: string): Place {
  const { line, col } = source.lines.linePos(Math.min(offset, source.text.length))
  return { file: source.file, line, column: col, path }
}

function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

const SAVE = 'save it as UTF-8'

function decode(file: string, content: Uint8Array, report: Report): string | null {
  const [first, second] = content
  const start: Place = { file, line: 1, column: 1, path: '' }
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    report({ at: start, message: 'the file is in UTF-16, not in UTF-8', hint: SAVE })
    return null
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    report(notUtf8(file, content))
    return null
  }
}

/** Where the first byte stands that no UTF-8 can hold there. */
function notUtf8(file: string, content: Uint8Array): Parameters<Report>[0] {
  const text = new TextDecoder('utf-8').decode(content)
  const at = text.indexOf('\ufffd')
  const byte = content[Buffer.byteLength(text.slice(0, at)) + (startsWithMark(content) ? 3 : 0)] ?? 0
  const before = text.slice(0, at).split('\n')
  const place: Place = { file, line: before.length, column: before.at(-1)!.length + 1, path: '' }
  const message = `the file is not text in UTF-8: no character begins with the byte 0x${hex(byte, 2)} here`
  return { at: place, length: 1, message, hint: SAVE }
}

function startsWithMark([a, b, c]: Uint8Array): boolean {
  return a === 0xef && b === 0xbb && c === 0xbf
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter()
  lines.addNewLine(0)
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1)
  return lines
}

// Controls, characters without a width, marks that turn the direction of reading, line ends that only
// some programs see, halves of a character; and a space that does not break where YAML wants a plain one.
const STRANGE =
  /[^\P{Cc}\t\n\r]|[\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}|\u00a0(?<=(?:^|\n)[ \u00a0]{0,99}(?:- ?){0,9}\u00a0|:\u00a0)/u

function strangeCharacter(text: string): { at: number; message: string; hint: string } | null {
  const match = STRANGE.exec(text)
  if (match === null) return null
  const code = match[0].codePointAt(0) ?? 0
  const name = `U+${hex(code, 4)}`
  if (code === 0)
    return { at: match.index, message: 'the file holds a NUL: it is no text in UTF-8', hint: SAVE }
  if (code === 0xa0) {
    const message = 'a space that does not break (U+00A0) stands where a plain one belongs'
    return { at: match.index, message, hint: 'it often comes from a web page: type the space anew' }
  }
  const kind = /\p{Cc}|\p{Cs}/u.test(match[0]) ? 'a control character' : 'an invisible character'
  return { at: match.index, message: `the file holds ${kind} (${name})`, hint: 'delete it' }
}
