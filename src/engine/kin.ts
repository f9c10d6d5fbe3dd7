/**
 * Finding one's way among merged members and pools while a group is decided: who answers for whom, and what a
 * command changed about it for the next one.
 */
import { invariant } from '../base/errors.ts'
import type { Entry } from '../ledger/entry.ts'
import { type Merge, MOST_MERGED, type OwnedEntry } from '../members/merge.ts'
import { type Household, ownedKey } from './household.ts'
import type { GroupState, MemberState, Writes } from './state.ts'

/** The member who answers for another one: itself, or who it was merged into. */
export function standIn(
  members: ReadonlyMap<string, MemberState>,
  memberId: string,
): MemberState | undefined {
  let state = members.get(memberId)
  for (let hops = 0; state !== undefined && state.member.mergedInto !== null; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    state = members.get(state.member.mergedInto)
  }
  return state
}

/** From a duplicate up to, but without, the member who answers for it. */
export function duplicatesFrom(members: ReadonlyMap<string, MemberState>, memberId: string): string[] {
  const path: string[] = []
  let state = members.get(memberId)
  while (state !== undefined && state.member.mergedInto !== null) {
    path.push(state.member.memberId)
    state = members.get(state.member.mergedInto)
  }
  return path
}

/** A survivor has the sales and redemptions of its duplicates in hand as well, as they were read. */
export function withOwned(state: MemberState, duplicate: MemberState): MemberState {
  return {
    ...state,
    transactions: new Map([...duplicate.transactions, ...state.transactions]),
    redemptions: new Map([...duplicate.redemptions, ...state.redemptions]),
  }
}

/** What a command changed about who belongs together, for the next command of its group. */
export function adoptHousehold(group: GroupState, writes: Writes): void {
  const { household } = group
  for (const { pool } of writes.pools) household.pools.set(pool.poolId, pool)
  for (const { memberId, poolId } of writes.poolMembers) {
    if (poolId === null) household.poolOf.delete(memberId)
    else household.poolOf.set(memberId, poolId)
  }
  for (const { merge } of writes.merges) {
    const { memberId, duplicateId } = merge
    household.merges.set(duplicateId, merge)
    household.owned.set(ownedKey(merge), [])
    const own = household.families.get(memberId) ?? []
    household.families.set(memberId, [...own, duplicateId, ...(household.families.get(duplicateId) ?? [])])
  }
  for (const { memberId, entry } of writes.entries) adoptOwned(household, memberId, entry)
  for (const { merge } of writes.unmerges) {
    household.merges.delete(merge.duplicateId)
    const gone = new Set([merge.duplicateId, ...(household.families.get(merge.duplicateId) ?? [])])
    const left = (household.families.get(merge.memberId) ?? []).filter((id) => !gone.has(id))
    household.families.set(merge.memberId, left)
  }
  for (const { memberIds } of writes.erased) {
    for (const [key, { memberId }] of group.identifiers)
      if (memberIds.includes(memberId)) group.identifiers.delete(key)
  }
}

/**
 * What became on a survivor's book of what a duplicate brought, also what this very command has posted before it
 * came to ask: points that nobody confirmed in time are cancelled when the member is next looked at.
 */
export function ownedBy(household: Household, merge: Merge, writes: Writes): OwnedEntry[] {
  const posted = writes.entries.flatMap(({ memberId, entry }) =>
    memberId === merge.memberId ? asOwned(household, merge.duplicateId, entry) : [],
  )
  return [...(household.owned.get(ownedKey(merge)) ?? []), ...posted]
}

function adoptOwned(household: Household, memberId: string, entry: Entry): void {
  for (const [key, entries] of household.owned) {
    const [survivor, duplicate = ''] = key.split(' ')
    if (survivor === memberId) household.owned.set(key, [...entries, ...asOwned(household, duplicate, entry)])
  }
}

/** An entry as one about a duplicate's own, or a duplicate of its; nothing where it is not. */
function asOwned(household: Household, duplicate: string, entry: Entry): OwnedEntry[] {
  const owner = entry.detail?.owner
  if (typeof owner !== 'string') return []
  if (owner !== duplicate && !household.families.get(duplicate)?.includes(owner)) return []
  const { kind, lifetime = null, postings, carried = null } = entry
  return [{ owner, kind, lifetime, postings, carried }]
}
