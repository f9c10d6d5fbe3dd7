/**
 * Ids: UUIDv7 inside, prefixed and sortable outside (`txn_` and 32 hex digits). A command's id is the
 * seed of every id that its decision makes, so that deciding the same command again gives the same rows.
 */
import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'
import { DomainError, type ErrorCode, invariant } from './errors.ts'

export const prefixes = {
  member: 'mem',
  transaction: 'txn',
  return: 'ret',
  redemption: 'rdm',
  entry: 'ent',
  adjustment: 'adj',
  transfer: 'trf',
  merge: 'mrg',
  pool: 'pol',
  flag: 'flg',
  feedback: 'fbk',
  event: 'evt',
  key: 'key',
} as const

export type IdKind = keyof typeof prefixes

const HEX32 = /^[0-9a-f]{32}$/

// Asking the system for random bytes costs some 10 µs however few they are, so they are drawn in bulk.
const pool = new Uint8Array(16 * 1024)
let drawn = pool.length

function sixteenRandomBytes(): Uint8Array {
  if (drawn === pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  drawn += 16
  return pool.slice(drawn - 16, drawn)
}

let lastMillisecond = 0
let sequence = 0

/**
 * A fresh command id: UUIDv7 whose last 16 bits are zero, room for the ids of the command's own rows. The
 * ids of one process grow, also within a millisecond, so that their order is the order of the commands.
 */
export function newCommandId(): string {
  const random = sixteenRandomBytes()
  const now = Date.now()
  if (now > lastMillisecond) {
    lastMillisecond = now
    // Half of the range is left for the commands that follow within the same millisecond.
    sequence = ((random[0]! << 24) | (random[1]! << 16) | (random[2]! << 8) | random[3]!) & 0x7fffffff
  } else sequence = (sequence + 1) >>> 0
  return `${v7({ random, msecs: lastMillisecond, seq: sequence }).slice(0, -4)}0000`
}

/** A fresh id outside of commands (keys, job runs). */
export function newId(): string {
  return v7()
}

/** The ids of one command's rows: the command's id plus a number, always the same. */
export interface RowIds {
  /** greater than every one before, and than all of those beforehand */
  next(): string
  /**
   * While `work` runs, the ids are those of what fell due before the command: so what the command itself makes has
   * the same ids whether a sweep came by first or not, and its log can be told again without the sweeps.
   */
  beforehand<Result>(work: () => Result): Result
}

/** A quarter of the 65,535 for what fell due before. */
const FIRST_OWN = 0x4000

export function idsOf(commandId: string): RowIds {
  invariant(commandId.endsWith('0000'), 'a command id ends in room for its rows')
  const stem = commandId.slice(0, -4)
  let [due, own] = [0, FIRST_OWN - 1]
  let isBeforehand = false
  return {
    next() {
      const count = isBeforehand ? ++due : ++own
      invariant(count <= (isBeforehand ? FIRST_OWN - 1 : 0xffff), 'a command makes a bounded number of rows')
      return stem + count.toString(16).padStart(4, '0')
    },
    beforehand(work) {
      isBeforehand = true
      try {
        return work()
      } finally {
        isBeforehand = false
      }
    },
  }
}

/** `txn_0198…`: how an id goes out. */
export function showId(kind: IdKind, id: string): string {
  return `${prefixes[kind]}_${id.replaceAll('-', '')}`
}

/** The UUID in `txn_0198…`; refuses with `code` (a …_not_found) whatever is no such id. */
export function readId(kind: IdKind, text: string, code: ErrorCode): string {
  const prefix = `${prefixes[kind]}_`
  const hex = text.slice(prefix.length)
  if (!text.startsWith(prefix) || !HEX32.test(hex)) throw new DomainError(code, { id: text })
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The smallest UUIDv7 of an instant: the bound of a partition by month. */
export function firstIdAt(at: Date): string {
  const hex = at.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`
}
