/**
 * Who belongs together, as far as a group of commands has to know: pools and their members, duplicates and
 * who answers for them. Read under the group's locks; each command that changes it changes it here too.
 */
import type { Merge, OwnedEntry } from '../members/merge.ts'
import type { Pool } from '../members/pool.ts'

export interface Household {
  readonly pools: Map<string, Pool>
  /** pool by member */
  readonly poolOf: Map<string, string>
  /** all duplicates of a member, theirs included, where they were asked for */
  readonly families: Map<string, readonly string[]>
  /** by duplicate */
  readonly merges: Map<string, Merge>
  /** by survivor and duplicate: entries since the merge that are about the duplicate or a duplicate of its own */
  readonly owned: Map<string, readonly OwnedEntry[]>
}

export function noHousehold(): Household {
  return {
    pools: new Map(),
    poolOf: new Map(),
    families: new Map(),
    merges: new Map(),
    owned: new Map(),
  }
}

export function ownedKey({ memberId, duplicateId }: Pick<Merge, 'memberId' | 'duplicateId'>): string {
  return `${memberId} ${duplicateId}`
}
