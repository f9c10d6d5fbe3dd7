/**
 * Reads who belongs together: pools before the members are locked, the rest afterwards. Costs nothing where
 * no command of the group asks for it, but for the rare member who was merged into another one.
 */
import { invariant } from '../base/errors.ts'
import { type Executor, list } from '../db/connection.ts'
import type { AccountName, EntryKind, Posting } from '../ledger/entry.ts'
import { type CarriedBack, type Merge, MOST_MERGED, type OwnedEntry } from '../members/merge.ts'
import type { Pool } from '../members/pool.ts'
import { type Household, noHousehold, ownedKey } from './household.ts'
import { standIn, withOwned } from './kin.ts'
import type { Needs } from './needs.ts'
import type { GroupState, MemberState } from './state.ts'

export interface Pooled {
  readonly pools: ReadonlyMap<string, Pool>
  /** everybody in them */
  readonly memberIds: readonly string[]
}

interface PoolRow {
  pool_id: string
  program: string
  external_ref: string
  created_at: Date
}

/** The pools that are named, and those of the members that are named; locked first, read afterwards. */
export async function lockPools(
  sql: Executor,
  input: { needs: Needs; identifiers: GroupState['identifiers']; lock: boolean },
): Promise<Pooled> {
  const { poolIds, pooling } = input.needs.household
  if (poolIds.size === 0 && pooling.size === 0) return { pools: new Map(), memberIds: [] }
  const named = [...pooling].flatMap((one) => {
    if (!one.startsWith('[')) return [one]
    const found = input.identifiers.get(one)
    return found ? [found.memberId] : []
  })
  const wanted = [...new Set([...poolIds, ...(await poolsOf(sql, named))])].sort()
  if (wanted.length === 0) return { pools: new Map(), memberIds: [] }
  const ids = list(sql, wanted)
  const rows = input.lock
    ? await sql<PoolRow[]>`
        update pools p set version = p.version + 1
        from unnest(${ids}::uuid[]) as v(pool_id) where p.pool_id = v.pool_id
        returning p.pool_id, p.program, p.external_ref, p.created_at`
    : await sql<PoolRow[]>`
        select pool_id, program, external_ref, created_at from pools where pool_id = any(${ids}::uuid[])`
  const members = await sql<{ pool_id: string; member_id: string; joined_at: Date }[]>`
    select pool_id, member_id, joined_at from pool_members
    where pool_id = any(${ids}::uuid[]) order by joined_at, member_id`
  const pools = rows.map(
    (row): Pool => ({
      poolId: row.pool_id,
      program: row.program,
      externalRef: row.external_ref,
      createdAt: row.created_at,
      members: members
        .filter(({ pool_id }) => pool_id === row.pool_id)
        .map(({ member_id, joined_at }) => ({ memberId: member_id, joinedAt: joined_at })),
    }),
  )
  return {
    pools: new Map(pools.map((pool) => [pool.poolId, pool])),
    memberIds: members.map(({ member_id }) => member_id),
  }
}

/** The pools that members, or whoever they were merged into, are in before anything is locked. */
async function poolsOf(sql: Executor, named: readonly string[]): Promise<string[]> {
  const found: string[] = []
  let ids = [...new Set(named)]
  for (let hops = 0; ids.length > 0; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    const some = list(sql, ids)
    const [pools, merged] = await Promise.all([
      sql<{ pool_id: string }[]>`select pool_id from pool_members where member_id = any(${some}::uuid[])`,
      sql<{ merged_into: string }[]>`
        select merged_into from members where member_id = any(${some}::uuid[]) and merged_into is not null`,
    ])
    found.push(...pools.map(({ pool_id }) => pool_id))
    ids = merged.map(({ merged_into }) => merged_into)
  }
  return found
}

/** Adds those who answer for merged members, and hands them what was read of their duplicates. */
export async function addSurvivors(
  members: Map<string, MemberState>,
  read: (ids: readonly string[]) => Promise<Map<string, MemberState>>,
): Promise<void> {
  for (let hops = 0; ; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    const missing = [...members.values()].flatMap(({ member: { mergedInto } }) =>
      mergedInto !== null && !members.has(mergedInto) ? [mergedInto] : [],
    )
    if (missing.length === 0) break
    for (const [id, state] of await read([...new Set(missing)].sort())) members.set(id, state)
  }
  for (const [id, state] of [...members]) {
    if (state.member.mergedInto === null) continue
    const survivor = standIn(members, id)
    invariant(survivor, 'whoever answers for a merged member was read')
    members.set(survivor.member.memberId, withOwned(survivor, state))
  }
}

/**
 * Adds merged duplicates whose sales turned out to be overdue on a member's book: what becomes of them counts for
 * the duplicate as well. Not locked, since whoever writes to a duplicate holds its member locked.
 */
export async function addDuplicates(
  members: Map<string, MemberState>,
  read: (ids: readonly string[]) => Promise<Map<string, MemberState>>,
): Promise<void> {
  const owners = [...members.values()].flatMap(({ transactions }) =>
    [...transactions.values()].map(({ memberId }) => memberId),
  )
  let missing = [...new Set(owners)].filter((id) => !members.has(id))
  for (let hops = 0; missing.length > 0; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    const found = await read(missing.sort())
    for (const [id, state] of found) members.set(id, state)
    missing = [...new Set([...found.values()].flatMap(({ member }) => member.mergedInto ?? []))].filter(
      (id) => !members.has(id),
    )
  }
}

/** Everything else, read under the locks. Identifiers of duplicates are added to those of their survivors. */
export async function readHousehold(
  sql: Executor,
  input: { needs: Needs; members: Map<string, MemberState>; pooled: Pooled },
): Promise<Household> {
  const { needs, members, pooled } = input
  const household = noHousehold()
  for (const [poolId, pool] of pooled.pools) {
    household.pools.set(poolId, pool)
    for (const { memberId } of pool.members) household.poolOf.set(memberId, poolId)
  }
  const { families, unmerging } = needs.household
  if (families.size > 0) await readFamilies(sql, { asked: families, members, household })
  if (unmerging.size > 0) await readOwned(sql, { unmerging, household })
  return household
}

async function readFamilies(
  sql: Executor,
  input: { asked: ReadonlySet<string>; members: Map<string, MemberState>; household: Household },
): Promise<void> {
  const { asked, members, household } = input
  const heads = [...asked].flatMap((id) => {
    const survivor = standIn(members, id)?.member.memberId
    return survivor === undefined || survivor === id ? [id] : [id, survivor]
  })
  const parents = new Map<string, string>()
  let ids = [...new Set(heads)]
  for (let hops = 0; ids.length > 0; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    const below = await sql<{ member_id: string; merged_into: string }[]>`
      select member_id, merged_into from members where merged_into = any(${list(sql, ids)}::uuid[])
      order by member_id`
    ids = below.map(({ member_id }) => member_id).filter((id) => !parents.has(id))
    for (const { member_id, merged_into } of below) parents.set(member_id, merged_into)
  }
  if (parents.size === 0) return
  const children = (id: string): string[] =>
    [...parents].flatMap(([child, parent]) => (parent === id ? [child, ...children(child)] : []))
  for (const head of heads) household.families.set(head, children(head))
  for (const child of parents.keys()) household.families.set(child, children(child))
  await addIdentifiers(sql, { members, household })
}

async function addIdentifiers(
  sql: Executor,
  { members, household }: { members: Map<string, MemberState>; household: Household },
): Promise<void> {
  const duplicates = [...new Set([...household.families.values()].flat())]
  const rows = await sql<{ member_id: string; kind: string; value: string; status: 'active' | 'blocked' }[]>`
    select member_id, kind, value, status from identifiers
    where member_id = any(${list(sql, duplicates)}::uuid[]) order by added_at, kind, value`
  for (const [id, family] of household.families) {
    const state = members.get(id)
    if (!state || family.length === 0) continue
    const theirs = rows
      .filter(({ member_id }) => family.includes(member_id))
      .map(({ member_id, kind, value, status }) => ({ kind, value, status, of: member_id }))
    members.set(id, { ...state, identifiers: [...state.identifiers, ...theirs] })
  }
}

interface OwnedRow {
  member_id: string
  kind: EntryKind
  owner: string
  lifetime: Record<string, number> | null
  carried: CarriedBack | null
  postings: { currency: string; from: AccountName; to: AccountName; points: string; lotId: string | null }[]
}

/** The merges of duplicates that may be un-merged, and the entries that are about those duplicates since. */
async function readOwned(
  sql: Executor,
  { unmerging, household }: { unmerging: ReadonlySet<string>; household: Household },
): Promise<void> {
  const merges = await sql<{ member_id: string; merge_id: string; duplicate_id: string }[]>`
    select member_id, merge_id, duplicate_id from merges
    where duplicate_id = any(${list(sql, [...unmerging])}::uuid[]) and unmerged_at is null`
  for (const row of merges) {
    const merge: Merge = {
      memberId: row.member_id,
      mergeId: row.merge_id,
      duplicateId: row.duplicate_id,
    }
    household.merges.set(merge.duplicateId, merge)
    const owners = [merge.duplicateId, ...(household.families.get(merge.duplicateId) ?? [])]
    const rows = await sql<OwnedRow[]>`
      select e.member_id, e.kind, e.detail ->> 'owner' as owner, e.detail -> 'lifetime' as lifetime,
        e.detail -> 'carried' as carried,
        (select coalesce(json_agg(json_build_object('currency', p.currency, 'from', p.from_account,
            'to', p.to_account, 'points', p.points::text, 'lotId', p.lot_id) order by p.leg), '[]')
         from postings p where p.member_id = e.member_id and p.entry_id = e.entry_id) as postings
      from entries e
      where e.member_id = ${merge.memberId} and e.entry_id >= ${merge.mergeId}
        and e.detail ->> 'owner' = any(${list(sql, owners)}::text[])
      order by e.entry_id`
    household.owned.set(ownedKey(merge), rows.map(ownedEntry))
  }
}

function ownedEntry({ kind, owner, lifetime, carried, postings }: OwnedRow): OwnedEntry {
  const legs = postings.map((leg): Posting => ({ ...leg, points: BigInt(leg.points) }))
  return { kind, owner, lifetime, carried, postings: legs }
}
