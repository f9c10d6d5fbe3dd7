/** "Did you mean …": the known name closest to a mistyped one, or none when nothing is close. */
import { distance } from 'fastest-levenshtein'

export function nearest(word: string, known: Iterable<string>): string | null {
  const wanted = word.slice(0, 100).toLowerCase()
  let best: { name: string; edits: number } | null = null
  for (const name of known) {
    const edits = distance(wanted, name.toLowerCase())
    if (best === null || edits < best.edits) best = { name, edits }
  }
  if (best === null) return null
  return best.edits <= Math.max(1, Math.floor(best.name.length / 2)) ? best.name : null
}

/** `did you mean "weekday"?`, or undefined when nothing is close. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const name = nearest(word, known)
  return name === null ? undefined : `did you mean "${name}"?`
}
