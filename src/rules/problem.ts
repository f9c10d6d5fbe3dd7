/** A problem with its parts that are known; an offset or a hint that is not known is left out. */
import type { Place, Problem } from './node.ts'

interface Detail {
  readonly offset?: number | undefined
  readonly length?: number | undefined
  readonly hint?: string | undefined
}

export function problem(at: Place, message: string, { offset, length, hint }: Detail = {}): Problem {
  return {
    at,
    message,
    ...(offset === undefined ? {} : { offset }),
    ...(length === undefined ? {} : { length }),
    ...(hint === undefined ? {} : { hint }),
  }
}
