/**
 * "Did you mean …": the known name that a mistyped one was probably meant to be, or none when nothing is
 * close. A wrong guess is worse than none, so short words must be nearly right.
 */
import { distance } from 'fastest-levenshtein'

export function nearest(word: string, known: Iterable<string>): string | null {
  const names = [...known]
  const wanted = plain(word.slice(0, 100))
  return alike(wanted, names) ?? closest(wanted, names) ?? shortened(wanted, names) ?? other(wanted, names)
}

/** `did you mean "weekday"?`, or undefined when nothing is close. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const name = nearest(word, known)
  return name === null ? undefined : `did you mean "${name}"?`
}

/** Letter cases aside, and signs between the words of a name. */
function plain(text: string): string {
  return MIXED.test(text) ? text.toLowerCase().replace(/[\s_-]+/g, '') : text
}

const MIXED = /[^a-z0-9.]/

/** The same but for signs and cases, or what people from other houses call it. */
function alike(wanted: string, names: readonly string[]): string | null {
  const same = names.find((name) => plain(name) === wanted)
  if (same !== undefined) return same
  const meant = otherWords.get(wanted) ?? []
  return meant.find((name) => names.includes(name)) ?? null
}

function closest(wanted: string, names: readonly string[]): string | null {
  let best: { name: string; edits: number } | null = null
  // What is further away than any word of these lengths may be is not measured: most names are.
  let near = mostTypos(names.reduce((most, { length }) => Math.max(most, length), wanted.length)) + 1
  for (const name of names) {
    const bare = plain(name)
    if (Math.abs(bare.length - wanted.length) >= near) continue
    const edits = typos(wanted, bare)
    if (edits >= near) continue
    best = { name, edits }
    near = edits
    // None is nearer: what is the same has been found already.
    if (near === 1) break
  }
  if (best === null) return null
  return best.edits <= mostTypos(Math.max(wanted.length, best.name.length)) ? best.name : null
}

function typos(wanted: string, name: string): number {
  const edits = distance(wanted, name)
  // Two letters swapped are one slip of the fingers, not two.
  const swapped = edits === 2 && wanted.length === name.length && sorted(wanted) === sorted(name)
  return swapped ? 1 : edits
}

function sorted(text: string): string {
  return [...text].sort().join('')
}

function mostTypos(length: number): number {
  return length < 5 ? 1 : length < 8 ? 2 : Math.floor(length / 3)
}

/** `tue` for `tuesday`, where nothing else begins so. */
function shortened(wanted: string, names: readonly string[]): string | null {
  const [only, second] = wanted.length < 3 ? [] : names.filter((name) => plain(name).startsWith(wanted))
  return only !== undefined && second === undefined ? only : null
}

/** A part of a longer name: `category` for `line.category`, `zero` for `to_zero`. */
function other(wanted: string, names: readonly string[]): string | null {
  const isPart = (name: string) => name.split(/[\s._-]+/).includes(wanted)
  return (
    names.find((name) => {
      const lower = name.toLowerCase()
      return lower.includes(wanted) && isPart(lower)
    }) ?? null
  )
}

/** What is written by those who know other programs, and the words here that it may stand for. */
const otherWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['start', ['from']],
  ['begin', ['from']],
  ['begins', ['from']],
  ['since', ['from']],
  ['end', ['until']],
  ['ends', ['until']],
  ['last', ['through']],
  ['to', ['through']],
  ['type', ['on']],
  ['if', ['when']],
  ['conditions', ['when']],
  ['points', ['award']],
  ['cap', ['limit']],
  ['worth', ['value']],
  ['price', ['costs', 'gross']],
  ['expiry', ['expires']],
  ['levels', ['ladder']],
  ['rules', ['earn']],
  ['decimal', ['number']],
  ['float', ['number']],
  ['int', ['integer']],
  ['string', ['text']],
  ['enum', ['oneOf']],
  ['values', ['oneOf']],
  ['datetime', ['date']],
  ['min', ['atLeast', 'minimum']],
  ['max', ['atMost', 'maximum', 'of']],
  ['yearly', ['calendar year']],
  ['annual', ['calendar year']],
  ['endofyear', ['end of period']],
  ['endofnextyear', ['end of next period']],
  ['none', ['never']],
  ['rounddown', ['floor']],
  ['trunc', ['floor']],
  ['roundup', ['ceil']],
  ['maximum', ['max']],
  ['minimum', ['min']],
  ['gte', ['atLeast']],
  ['lte', ['atMost']],
  ['gt', ['above']],
  ['lt', ['below']],
  ['over', ['above']],
  ['under', ['below']],
  ['>=', ['atLeast']],
  ['<=', ['atMost']],
  ['>', ['above']],
  ['<', ['below']],
  ['=', ['is']],
  ['==', ['is']],
  ['equals', ['is']],
  ['!=', ['not']],
  ['or', ['any']],
  ['and', ['all']],
  ['not', ['none']],
  ['day', ['weekday']],
  ['total', ['gross']],
  ['amount', ['gross', 'line.gross']],
  ['store', ['location']],
  ['customer', ['member']],
  ['user', ['member']],
  ['reject', ['refuse']],
  ['nearest', ['half_up']],
  ['down', ['floor']],
])
