/** What experiments found: each campaign's arms, and all campaigns together against the standing holdout. */
import type { Sql } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { CONTROL } from './chance.ts'
import { groupsOf } from './groups.ts'
import { DEFAULT_DAYS, type HoldoutShown, showHoldout } from './holdout.ts'
import { armSeen } from './look.ts'
import {
  type ArmCount,
  armCounts,
  type ExperimentSeen,
  experimentsSeen,
  type SeenArm,
  type ViewScope,
} from './queries-views.ts'
import { type Cell, shareOf, type ViewTable } from './view.ts'
import type { Told } from './views-members.ts'

export async function performance(
  sql: Sql,
  scope: ViewScope,
  { program, shareAt }: { program: Program; shareAt: (at: Date) => number },
): Promise<Told> {
  const [experiments, arms, whole] = await Promise.all([
    experimentsSeen(sql, scope),
    armCounts(sql, scope),
    showHoldout(sql, { program, at: scope.at, days: DEFAULT_DAYS, shareAt }),
  ])
  const rows: ArmRow[] = []
  for (const one of experiments) {
    const after = await sinceRolledOut(sql, one, { program, at: scope.at })
    for (const count of arms.filter(({ experiment }) => experiment === one.experiment)) {
      const seen = (count.phase === 'test' ? one.arms : after)?.find(({ arm }) => arm === count.arm)
      rows.push(armRow(one, count, seen))
    }
  }
  const measured = rows.filter(({ net }) => net !== null)
  return {
    note:
      experiments.length === 0
        ? 'no experiment has begun'
        : measured.length === 0 && experiments.every(({ look }) => look === null)
          ? 'no experiment has had its first look yet'
          : measured.length === 0
            ? 'no look could tell the arms apart yet: too few members, or all of them spent alike'
            : null,
    figures: [
      { name: 'experiments', value: experiments.length, unit: 'count' },
      { name: 'rolled out', value: counted(experiments, 'rolled_out'), unit: 'count' },
      { name: 'stopped', value: counted(experiments, 'stopped'), unit: 'count' },
      {
        name: 'net value of all campaigns together',
        value: whole.total && cents(whole.total.difference),
        unit: 'money',
      },
      { name: 'at least', value: whole.total && cents(whole.total.low), unit: 'money' },
      { name: 'at most', value: whole.total && cents(whole.total.high), unit: 'money' },
    ],
    tables: [
      {
        title: 'Arms by intention to treat; differences are against the control, with 95 % intervals',
        columns: [
          ...['experiment', 'state', 'in', 'arm', 'assigned', 'measured', 'bought'],
          ...['more bought', 'net a member', 'from', 'to', 'verdict'],
        ],
        rows: rows.map(({ cells }) => cells),
      },
      wholeTable(whole),
    ],
    charts: [
      {
        kind: 'bars',
        title: 'Net value a member against the control',
        along: 'experiment and arm',
        measure: `net value in ${program.money}`,
        unit: 'money',
        steps: measured.map(({ label }) => label),
        series: [{ name: 'net value', values: measured.map(({ net }) => net) }],
      },
    ],
  }
}

interface ArmRow {
  readonly label: string
  readonly net: number | null
  readonly cells: readonly Cell[]
}

const phases = { test: 'test', rollout: 'after it' } as const

function armRow(one: ExperimentSeen, { phase, arm, members }: ArmCount, seen: SeenArm | undefined): ArmRow {
  const net = seen?.netDifference ?? null
  return {
    label: `${one.experiment}: ${arm}${phase === 'test' ? '' : ', after it'}`,
    net: net?.difference ?? null,
    cells: [
      ...[one.experiment, one.state, phases[phase], arm, members, seen?.members ?? null],
      seen ? shareOf(seen.buyers, seen.members) : null,
      ...[seen?.buying?.difference ?? null, net && cents(net.difference)],
      ...[net && cents(net.low), net && cents(net.high), seen?.verdict ?? null],
    ],
  }
}

/** Two-sided 95 %: nothing more is decided, so there is no plan of looks to keep to. */
const USUAL_BOUND = 1.96

/** Whether what was rolled out still helps, against those who are left alone after the test too. */
async function sinceRolledOut(
  sql: Sql,
  experiment: ExperimentSeen,
  of: { program: Program; at: Date },
): Promise<SeenArm[] | null> {
  if (experiment.state !== 'rolled_out') return null
  const groups = await groupsOf(sql, { ...of, experiment, phase: 'rollout' })
  const control = groups.get(CONTROL)
  if (!control) return null
  return [...groups.values()].map((group) =>
    group.arm === CONTROL
      ? { ...armSeen(group, control, USUAL_BOUND), buying: null, netDifference: null, verdict: CONTROL }
      : armSeen(group, control, USUAL_BOUND),
  )
}

function counted(experiments: readonly { state: string }[], state: string): number {
  return experiments.filter((one) => one.state === state).length
}

function wholeTable({
  days,
  groups,
  buying,
  netDifference: net,
  verdict,
  sampleRatio,
}: HoldoutShown): ViewTable {
  const isAny = groups.some(({ assigned }) => assigned > 0)
  const told = sampleRatio.isFair ? verdict : 'not as chance makes them'
  const rows = groups.map(({ arm, assigned, members, buyers, netPerMember }) => {
    const isOpen = arm === 'open'
    return [
      ...[
        arm,
        assigned,
        members,
        shareOf(buyers, members),
        netPerMember === null ? null : cents(netPerMember),
      ],
      isOpen ? (buying?.difference ?? null) : null,
      ...(isOpen && net ? [cents(net.difference), cents(net.low), cents(net.high)] : [null, null, null]),
      isOpen ? told : 'left alone',
    ]
  })
  return {
    title: `All campaigns together: members whom they may reach against the standing holdout, ${days} days each`,
    columns: [
      ...['group', 'assigned', 'measured', 'bought', 'net a member', 'more bought', 'net more', 'from', 'to'],
      'verdict',
    ],
    rows: isAny ? rows : [],
  }
}

function cents(amount: number): string {
  return amount.toFixed(2)
}
