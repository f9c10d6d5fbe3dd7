/**
 * Everything that is known of a member as one JSON document, told piece by piece: whatever a member has done,
 * no more than a page of it is in memory. All of it is read from one snapshot.
 */
import { DomainError } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import type { Sql } from '../db/connection.ts'
import { memberExported, openSnapshot, sectionsOf } from './queries-export.ts'

export interface Exported {
  readonly program: string
  /** UUIDs */
  readonly memberId: string
  readonly duplicates: readonly string[]
  readonly at: Date
}

/** The document's text in pieces; refuses a member that is not there before anything is sent. */
export async function exportMember(sql: Sql, what: Exported): Promise<AsyncGenerator<string>> {
  const member = await memberExported(sql, what)
  if (member === null) {
    throw new DomainError('member_not_found', { memberId: showId('member', what.memberId) })
  }
  const head = { format: 'milepost-member-export-1', exportedAt: what.at.toISOString() }
  return tell(sql, what, `${JSON.stringify(head).slice(0, -1)},"member":${member}`)
}

async function* tell(sql: Sql, { memberId, duplicates }: Exported, head: string): AsyncGenerator<string> {
  const snapshot = await openSnapshot(sql)
  try {
    yield head
    for (const [name, pages] of sectionsOf(snapshot.sql, [memberId, ...duplicates])) {
      yield `,\n"${name}":[`
      let isFirst = true
      for await (const page of pages()) {
        const text = page.map(({ line }) => line).join(',\n')
        if (text !== '') yield isFirst ? `\n${text}` : `,\n${text}`
        isFirst &&= text === ''
      }
      yield ']'
    }
    yield '}\n'
  } finally {
    await snapshot.close()
  }
}
