/** What experiments found: each campaign's arms, and all campaigns together against the standing holdout. */
import type { Sql } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { DEFAULT_DAYS, type HoldoutShown, showHoldout } from './holdout.ts'
import { armCounts, experimentsSeen, type ViewScope } from './queries-views.ts'
import { shareOf, type ViewTable } from './view.ts'
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
  const rows = experiments.flatMap((one) => {
    const named = arms.filter(({ experiment }) => experiment === one.experiment)
    return named.map(({ arm, members }) => {
      const seen = one.arms?.find((each) => each.arm === arm)
      const net = seen?.netDifference ?? null
      return {
        label: `${one.experiment}: ${arm}`,
        net: net?.difference ?? null,
        cells: [
          ...[one.experiment, one.state, arm, members, seen?.members ?? null],
          seen ? shareOf(seen.buyers, seen.members) : null,
          ...[seen?.buying?.difference ?? null, net && cents(net.difference)],
          ...[net && cents(net.low), net && cents(net.high), seen?.verdict ?? null],
        ],
      }
    })
  })
  const measured = rows.filter(({ net }) => net !== null)
  return {
    note:
      experiments.length === 0
        ? 'no experiment has begun'
        : measured.length === 0
          ? 'no experiment has had its first look yet'
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
          ...['experiment', 'state', 'arm', 'assigned', 'measured', 'bought'],
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
