/** One run over all members of a program: what each brings, and where the ratings by value part. */
import { newId } from '../base/ids.ts'
import type { Decimal } from '../base/points.ts'
import type { Sql } from '../db/connection.ts'
import { marginOf } from '../program/margin.ts'
import type { Program } from '../program/program.ts'
import { memberPage, readValueFacts, writeValueRun } from './queries-value.ts'
import { broughtBy, type Delivered, deliveredOf, gradeEndsOf, type ValueFacts } from './value.ts'

const PAGE = 1_000

export interface MemberValue {
  readonly memberId: string
  readonly facts: ValueFacts
  readonly delivered: Delivered
  readonly profit: Decimal
}

/** Page by page, in the order of the members' ids. */
export async function* valuesOf(
  sql: Sql,
  { program, at }: { program: Program; at: Date },
): AsyncGenerator<MemberValue[]> {
  const margin = marginOf(program)
  let after: string | null = null
  do {
    const memberIds: string[] = await memberPage(sql, { program: program.id, after, limit: PAGE })
    const facts = await readValueFacts(sql, { program, memberIds, at })
    yield memberIds.map((memberId) => {
      const own = facts.get(memberId)!
      const { profit } = broughtBy(own, { margin })
      return { memberId, facts: own, delivered: deliveredOf(own, program.value), profit }
    })
    after = memberIds.length === PAGE ? memberIds.at(-1)! : null
  } while (after !== null)
}

/** Members who bought nothing in the stretch, and cost nothing, are rated with the others. */
export async function runValues(
  sql: Sql,
  program: Program,
  { at, signal }: { at: Date; signal?: AbortSignal | undefined },
): Promise<{ members: number } | null> {
  const profits: Decimal[] = []
  for await (const page of valuesOf(sql, { program, at })) {
    if (signal?.aborted) return null
    for (const { profit } of page) profits.push(profit)
  }
  const ends = gradeEndsOf(profits, program.value.valueGrades)
  await writeValueRun(sql, { program: program.id, runId: newId(), at, members: profits.length, ends })
  return { members: profits.length }
}
