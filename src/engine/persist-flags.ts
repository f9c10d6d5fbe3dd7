/** Writes which flags a group raised and cleared. */
import type { Executor } from '../db/connection.ts'
import { columns } from './columns.ts'
import type { Writes } from './state.ts'

export function persistFlags(sql: Executor, { flags }: Writes): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  const raised = flags.flatMap(({ command, memberId, flag }) =>
    flag.kind === 'raised' ? [{ command, memberId, ...flag }] : [],
  )
  if (raised.length > 0) {
    const [member, id, program, kind, run, on, horizon, silent, decline, most] = columns(
      raised,
      ({ command, memberId, flagId, body }) => [
        ...[memberId, flagId, command.program, body.flag, body.runId, body.day],
        ...[body.horizonDays, body.pSilent, body.pDecline, body.most],
      ],
    )
    sent.push(sql`
      insert into retention_flags (member_id, flag_id, program, kind, run_id, raised_on, horizon_days, p_silent,
        p_decline, most)
      select u.member_id, u.flag_id, u.program, u.kind, u.run_id, u.raised_on, u.horizon_days, u.p_silent,
        u.p_decline, u.most
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${program!}::text[], ${kind!}::text[], ${run!}::uuid[],
        ${on!}::date[], ${horizon!}::int[], ${silent!}::float8[], ${decline!}::float8[], ${most!}::int[])
        as u(member_id, flag_id, program, kind, run_id, raised_on, horizon_days, p_silent, p_decline, most)`)
  }
  const cleared = flags.flatMap(({ memberId, flag }) =>
    flag.kind === 'cleared' ? [{ memberId, ...flag }] : [],
  )
  if (cleared.length > 0) {
    const [member, id, on] = columns(cleared, ({ memberId, flagId, body }) => [memberId, flagId, body.day])
    sent.push(sql`
      update retention_flags f set cleared_on = u.cleared_on
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${on!}::date[]) as u(member_id, flag_id, cleared_on)
      where f.member_id = u.member_id and f.flag_id = u.flag_id`)
  }
  return sent
}
