/** Writes arms and treatments. An arm that stands is never written over, whatever a later command says. */
import type { Executor } from '../db/connection.ts'
import { columns } from './columns.ts'
import type { Writes } from './state.ts'

export function persistCampaigns(sql: Executor, writes: Writes): Promise<unknown>[] {
  return [...writeArms(sql, writes), ...writeTreatments(sql, writes)]
}

function writeArms(sql: Executor, { arms }: Writes): Promise<unknown>[] {
  if (arms.length === 0) return []
  const [member, experiment, program, arm, phase, at, day] = columns(arms, (row) => [
    ...[row.memberId, row.arm.experiment, row.program, row.arm.arm, row.arm.phase],
    ...[row.at, row.day],
  ])
  return [
    sql`
      insert into experiment_arms (member_id, experiment, program, arm, phase, assigned_at, assigned_on)
      select u.member_id, u.experiment, u.program, u.arm, u.phase, u.assigned_at, u.assigned_on
      from unnest(${member!}::uuid[], ${experiment!}::text[], ${program!}::text[], ${arm!}::text[],
        ${phase!}::text[], ${at!}::timestamptz[], ${day!}::date[])
        as u(member_id, experiment, program, arm, phase, assigned_at, assigned_on)
      on conflict (member_id, experiment) do nothing`,
  ]
}

function writeTreatments(sql: Executor, { treatments }: Writes): Promise<unknown>[] {
  if (treatments.length === 0) return []
  const [member, id, program, campaign, arm, at, cost, value] = columns(treatments, (row) => [
    ...[row.memberId, row.treatment.treatmentId, row.program, row.treatment.campaign, row.treatment.arm],
    ...[row.at, row.treatment.cost, row.treatment.pointsValue],
  ])
  return [
    sql`
      insert into treatments (member_id, treatment_id, program, campaign, arm, treated_at, cost, points_value)
      select u.member_id, u.treatment_id, u.program, u.campaign, u.arm, u.treated_at, u.cost, u.points_value
      from unnest(${member!}::uuid[], ${id!}::uuid[], ${program!}::text[], ${campaign!}::text[], ${arm!}::text[],
        ${at!}::timestamptz[], ${cost!}::numeric[], ${value!}::numeric[])
        as u(member_id, treatment_id, program, campaign, arm, treated_at, cost, points_value)`,
  ]
}
