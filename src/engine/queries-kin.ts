/** Readers' way from a member to whoever answers for it, and from there to all merged duplicates. */
import { invariant } from '../base/errors.ts'
import { type Executor, list } from '../db/connection.ts'
import { MOST_MERGED } from '../members/merge.ts'

export interface Named {
  readonly program: string
  /** UUID */
  readonly memberId: string
}

export interface Whole extends Named {
  readonly duplicates: readonly string[]
}

/** Whoever answers for a member; the member itself where it was not merged, or is not there. */
export async function standInFor(sql: Executor, named: Named): Promise<Named> {
  let { memberId } = named
  for (let hops = 0; ; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    const [row] = await sql<{ mergedInto: string | null }[]>`
      select merged_into as "mergedInto" from members
      where member_id = ${memberId} and program = ${named.program}`
    if (!row?.mergedInto) return { program: named.program, memberId }
    memberId = row.mergedInto
  }
}

/** Whoever answers for a member, with all duplicates. */
export async function wholeMember(sql: Executor, named: Named): Promise<Whole> {
  const head = await standInFor(sql, named)
  const duplicates: string[] = []
  let next = [head.memberId]
  for (let hops = 0; next.length > 0; hops += 1) {
    invariant(hops <= MOST_MERGED, 'merges lead to a member in the end')
    const rows = await sql<{ memberId: string }[]>`
      select member_id as "memberId" from members
      where merged_into = any(${list(sql, next)}::uuid[]) order by member_id`
    next = rows.map(({ memberId }) => memberId)
    duplicates.push(...next)
  }
  return { ...head, duplicates }
}
