/**
 * A fault as good compilers tell it: where it is, what is wrong, the line with carets under the very
 * characters, and what to do about it. What stands in a rule file never reaches the terminal unseen.
 */
import type { Fault } from '../base/errors.ts'
import type { Style } from './terminal.ts'

export interface FaultStyle {
  readonly label: 'error' | 'warning'
  look(style: Style, text: string): string
}

/** Of a long line, so much is shown around the place. */
const SHOWN = 120
const TAB = '    '

/**
 * ```text
 * rules/x/program.yaml:7:12 error unknown key "weekdya"
 *   7 |     when: { weekdya: tuesday }
 *     |             ^^^^^^^
 *   hint: did you mean "weekday"?
 * ```
 * `line` is the line of the file at the fault; null where there is none to show.
 */
export function faultInLine(
  fault: Fault,
  { place, line }: { place: string; line: string | null },
  { label, look }: FaultStyle,
): string {
  const colour = label === 'error' ? 'red' : 'yellow'
  const at = fault.file ? `${fault.file}:${fault.line ?? 1}:${fault.column ?? 1}` : place
  const told = [`${look('bold', at)} ${look(colour, label)} ${fault.message}`]
  if (line !== null) {
    const number = String(fault.line)
    const { text, indent, carets } = excerpt(line, fault)
    told.push(`  ${look('dim', `${number} |`)} ${text}`)
    told.push(`  ${' '.repeat(number.length)} ${look('dim', '|')} ${indent}${look(colour, carets)}`)
  }
  if (fault.hint !== undefined) told.push(`  ${look('cyan', 'hint:')} ${fault.hint}`)
  return told.join('\n')
}

function excerpt(line: string, fault: Fault): { text: string; indent: string; carets: string } {
  const begin = Math.min((fault.column ?? 1) - 1, line.length)
  const end = Math.max(begin + 1, (fault.endColumn ?? begin + 2) - 1)
  const from = line.length > SHOWN && begin > SHOWN / 2 ? begin - SHOWN / 2 : 0
  const to = Math.max(from + SHOWN, Math.min(end, from + 2 * SHOWN))
  const lead = from > 0 ? '…' : ''
  const rest = to < line.length ? '…' : ''
  return {
    text: `${lead}${visible(line.slice(from, to))}${rest}`,
    indent: ' '.repeat(lead.length + width(line.slice(from, begin))),
    carets: '^'.repeat(Math.max(1, width(line.slice(begin, Math.min(end, to))))),
  }
}

/** Controls, which a hostile file might send to the terminal, are shown as a sign; a tab as spaces. */
function visible(text: string): string {
  return text.replaceAll('\t', TAB).replace(UNSEEN, '\ufffd')
}

const UNSEEN = /[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu
const WIDE =
  /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u

/** Columns of a terminal that a text takes: marks that join a letter none, wide characters two. */
function width(text: string): number {
  let columns = 0
  for (const character of visible(text)) {
    if (/\p{M}/u.test(character)) continue
    columns += WIDE.test(character) ? 2 : 1
  }
  return columns
}
