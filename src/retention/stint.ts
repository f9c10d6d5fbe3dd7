/**
 * A stretch of members scored and put into words by one thread. What comes of a member depends on the row, on
 * what was learnt and on how many members there are, never on which thread has it or what it had before.
 */
import { invariant } from '../base/errors.ts'
import { stateAt } from './cuts.ts'
import type { Flag } from './flag.ts'
import { type LearntRecord, learntOf } from './learnt-record.ts'
import type { Purchases } from './purchases.ts'
import { createScorer } from './score.ts'
import { lineWriter, TextPad } from './score-line.ts'
import type { MemberState } from './state.ts'
import { readStates, type StateTable } from './state-table.ts'
import type { Voice } from './voice.ts'

/** Where the rows are: in a table, or to be made of purchases up to a day. Arrays may be shared memory. */
export type Source =
  | { readonly kind: 'states'; readonly table: StateTable }
  | {
      readonly kind: 'purchases'
      readonly purchases: Omit<Purchases, 'memberIds' | 'hasSpend'>
      readonly asOf: number
    }

/** One number per member in each column; the threads of a run write into the same ones. */
export interface Sheet {
  readonly silent: Float64Array
  readonly decline: Float64Array
  readonly alive: Float64Array
  readonly purchases: Float64Array
  readonly value: Float64Array
  readonly quietP: Float64Array
  readonly slowE: Float64Array
  /** place in `flagCodes` */
  readonly flags: Uint8Array
}

export const flagCodes: readonly (Flag | null)[] = [null, 'gone_quiet', 'buying_less']

export function createSheet(count: number): Sheet {
  const column = () => new Float64Array(new SharedArrayBuffer(8 * count))
  return {
    silent: column(),
    decline: column(),
    alive: column(),
    purchases: column(),
    value: column(),
    quietP: column(),
    slowE: column(),
    flags: new Uint8Array(new SharedArrayBuffer(count)),
  }
}

export function countOf(source: Source): number {
  return source.kind === 'states' ? source.table.count : source.purchases.starts.length - 1
}

/** Members from `from` up to, without, `to`. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Lines of CSV, and how many members stand where. */
export interface ToldStretch {
  readonly text: Uint8Array<ArrayBuffer>
  readonly phases: Readonly<Record<string, number>>
}

export interface Stint {
  /** fills the sheet but for the flags */
  score(stretch: Stretch): void
  /** once the flags are in: `memberIds` are those of the stretch */
  tell(stretch: Stretch, memberIds: readonly string[]): ToldStretch
}

export interface Work {
  readonly source: Source
  readonly sheet: Sheet
  readonly learnt: LearntRecord
  /** of the few who said something, by place */
  readonly voices: ReadonlyMap<number, Voice>
}

export function createStint({ source, sheet, learnt, voices }: Work): Stint {
  const scorer = createScorer(learntOf(learnt), countOf(source))
  const stateOf = readerOf(source)
  const lineOf = lineWriter(sheet)
  return {
    score({ from, to }) {
      for (let i = from; i < to; i++) {
        const one = scorer.score(stateOf(i), voices.get(i))
        sheet.silent[i] = one.silent
        sheet.decline[i] = one.decline
        sheet.alive[i] = one.alive ?? Number.NaN
        sheet.purchases[i] = one.purchases
        sheet.value[i] = one.value ?? Number.NaN
        sheet.quietP[i] = one.quietP
        sheet.slowE[i] = one.slowE
      }
    },
    tell({ from, to }, memberIds) {
      const phases: Record<string, number> = {}
      const pad = new TextPad()
      for (let i = from; i < to; i++) {
        const words = scorer.words(stateOf(i), flagCodes[sheet.flags[i]!]!, { voice: voices.get(i) ?? null })
        phases[words.phase] = (phases[words.phase] ?? 0) + 1
        pad.add(lineOf(i, { memberId: memberIds[i - from]!, words }))
      }
      return { text: pad.bytes(), phases }
    },
  }
}

function readerOf(source: Source): (place: number) => MemberState {
  if (source.kind === 'states') return readStates(source.table)
  const purchases = { ...source.purchases, memberIds: [], hasSpend: false }
  return (place) => {
    const state = stateAt(purchases, place, source.asOf)
    invariant(state !== null, 'every member of a run has a purchase up to its day')
    return state
  }
}
