/** Writes sales without a member, their attachment, and keys that were credited. */
import type { Executor } from '../db/connection.ts'
import { columns, document } from './columns.ts'
import { bodyText } from './command.ts'
import type { Writes } from './state.ts'

export function persistLoose(sql: Executor, writes: Writes): Promise<unknown>[] {
  return [...writeLoose(sql, writes), ...writeClaims(sql, writes)]
}

// A group may keep a sale and attach it: it is written once, as it stands in the end.
function writeLoose(sql: Executor, { loose }: Writes): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  const kept = loose.filter(({ command }) => command.request.kind === 'earn')
  const isNew = new Set(kept.map(({ sale }) => sale.transactionId))
  const last = new Map(loose.map(({ command, sale }) => [sale.transactionId, { command, sale }]))
  if (kept.length > 0) {
    const [id, program, source, ref, request, occurred, recorded, member, attached] = columns(
      kept,
      ({ command, sale }) => {
        const end = last.get(sale.transactionId)!
        return [
          sale.transactionId,
          sale.program,
          sale.source,
          sale.request.externalRef,
          document(bodyText(command)),
          sale.occurredAt,
          command.at,
          end.sale.memberId,
          end.sale.memberId === null ? null : end.command.at,
        ]
      },
    )
    sent.push(sql`
      insert into loose_sales (transaction_id, program, source, external_ref, request, occurred_at, recorded_at,
        version, member_id, attached_at)
      select u.transaction_id, u.program, u.source, u.external_ref, u.request::json, u.occurred_at, u.recorded_at,
        1, u.member_id, u.attached_at
      from unnest(${id!}::uuid[], ${program!}::text[], ${source!}::text[], ${ref!}::text[],
        string_to_array(${request!}, chr(30), ''), ${occurred!}::timestamptz[], ${recorded!}::timestamptz[],
        ${member!}::uuid[], ${attached!}::timestamptz[])
        as u(transaction_id, program, source, external_ref, request, occurred_at, recorded_at, member_id, attached_at)`)
  }
  const changed = [...last.values()].filter(({ sale }) => !isNew.has(sale.transactionId))
  if (changed.length > 0) {
    const [id, member, at] = columns(changed, ({ command, sale }) => [
      sale.transactionId,
      sale.memberId,
      command.at,
    ])
    sent.push(sql`
      update loose_sales s set member_id = u.member_id, attached_at = u.at
      from unnest(${id!}::uuid[], ${member!}::uuid[], ${at!}::timestamptz[]) as u(transaction_id, member_id, at)
      where s.transaction_id = u.transaction_id`)
  }
  return sent
}

/** In order of the key; a key that somebody else took meanwhile fails the group, which is decided again. */
function writeClaims(sql: Executor, { claims }: Writes): Promise<unknown>[] {
  if (claims.length === 0) return []
  const [program, type, claim, member, transaction] = columns(claims, (row) => [
    row.program,
    row.type,
    row.claim,
    row.memberId,
    row.transactionId,
  ])
  return [
    sql`
      insert into claims (program, type, claim, member_id, transaction_id)
      select u.program, u.type, u.claim, u.member_id, u.transaction_id
      from unnest(${program!}::text[], ${type!}::text[], ${claim!}::text[], ${member!}::uuid[],
        ${transaction!}::uuid[]) as u(program, type, claim, member_id, transaction_id)
      order by u.program, u.type, u.claim`,
  ]
}
