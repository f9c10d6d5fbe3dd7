/** Members to sell to: enrolled a year ago, each with a card, written in bulk past the engine. */
import { newId } from '../src/base/ids.ts'
import { list, type Sql } from '../src/db/connection.ts'

const PAGE = 10_000

export async function seedMembers(
  sql: Sql,
  input: { program: string; count: number; now: Date },
): Promise<void> {
  const enrolledAt = new Date(input.now.getTime() - 365 * 86_400_000)
  for (let first = 0; first < input.count; first += PAGE) {
    const numbers = Array.from({ length: Math.min(PAGE, input.count - first) }, (_, index) => first + index)
    const ids = numbers.map(() => newId())
    await sql`
      insert into members
        (member_id, program, external_ref, status, profile, attributes, consents, enrolled_at, created_at, version)
      select id, ${input.program}, 'M' || number, 'active', '{}', '{}', '{}', ${enrolledAt}, ${enrolledAt}, 1
      from unnest(${list(sql, ids)}::uuid[], ${list(sql, numbers)}::int[]) as seeded (id, number)`
    await sql`
      insert into identifiers (program, kind, value, member_id, status, added_at)
      select ${input.program}, 'card', 'card-' || number, id, 'active', ${enrolledAt}
      from unnest(${list(sql, ids)}::uuid[], ${list(sql, numbers)}::int[]) as seeded (id, number)`
  }
  await sql`vacuum analyze members`
  await sql`vacuum analyze identifiers`
}
