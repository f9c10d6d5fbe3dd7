/** Segments and experiments as HTTP and the command line show them: the same figures at both doors. */
import { DomainError } from '../base/errors.ts'
import type { Executor } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { sampleRatio } from './difference.ts'
import { type ArmSeen, RATIO_ALARM } from './look.ts'
import {
  armSizes,
  type ExperimentRow,
  looksOf,
  readExperiments,
  spentOn,
  suppressedOf,
} from './queries-experiments.ts'
import { segmentOverlap, segmentSizes, segmentsDecided } from './queries-segments.ts'

export interface SegmentsShown {
  readonly decidedAt: string | null
  readonly segments: readonly {
    readonly segment: string
    readonly name: string
    readonly by: 'hand' | 'conditions' | 'cluster'
    readonly members: number
  }[]
  /** members in both, each pair once */
  readonly overlap: readonly { readonly a: string; readonly b: string; readonly members: number }[]
}

export async function showSegments(sql: Executor, program: Program): Promise<SegmentsShown> {
  const [sizes, overlap, decided] = await Promise.all([
    segmentSizes(sql, program.id),
    segmentOverlap(sql, program.id),
    segmentsDecided(sql),
  ])
  const members = new Map(sizes.map((size) => [size.segment, size.members]))
  const segments = program.segments.map((segment) => {
    const rule = program.segmentRules.find(({ id }) => id === segment)
    const by = !rule ? 'hand' : rule.cluster === null ? 'conditions' : 'cluster'
    return { segment, name: rule?.name ?? segment, by, members: members.get(segment) ?? 0 } as const
  })
  const known = new Set(program.segments)
  return {
    decidedAt: decided?.toISOString() ?? null,
    segments,
    overlap: overlap.filter(({ a, b }) => known.has(a) && known.has(b)),
  }
}

export interface ExperimentShown {
  readonly experiment: string
  readonly name: string
  readonly state: ExperimentRow['state']
  readonly startedAt: string
  readonly decidedAt: string | null
  readonly winner: string | null
  /** who ended the test by hand; null where the plan did, or nothing is decided */
  readonly decidedBy: string | null
  readonly arms: readonly { readonly phase: string; readonly arm: string; readonly members: number }[]
  /** p of the check that chance made the groups of the test; below 0.001 nothing is believed */
  readonly sampleRatio: { readonly p: number; readonly isFair: boolean }
  readonly treated: number
  /** what treatments cost and the points they gave, in the program's money */
  readonly spent: { readonly cost: number; readonly points: number }
  readonly suppressed: readonly { readonly reason: string; readonly members: number }[]
  readonly looks: readonly {
    readonly look: number
    readonly lookedAt: string
    readonly fraction: number
    readonly boundary: number
    readonly decision: string
    readonly arms: readonly ArmSeen[]
  }[]
}

/** One of them, or the refusal that there is none. */
export async function theExperiment(
  sql: Executor,
  program: Program,
  experiment: string,
): Promise<ExperimentShown> {
  const [shown] = await showExperiments(sql, program, experiment)
  if (!shown) throw new DomainError('experiment_not_found', { experiment })
  return shown
}

export async function showExperiments(
  sql: Executor,
  program: Program,
  only: string | null = null,
): Promise<ExperimentShown[]> {
  const rows = await readExperiments(sql, program.id, only)
  return Promise.all(rows.map((row) => showExperiment(sql, program, row)))
}

async function showExperiment(sql: Executor, program: Program, row: ExperimentRow): Promise<ExperimentShown> {
  const of = { program: program.id, experiment: row.experiment }
  const [arms, looks, spent, suppressed] = await Promise.all([
    armSizes(sql, of),
    looksOf(sql, of),
    spentOn(sql, of),
    suppressedOf(sql, { program: program.id, campaign: row.experiment }),
  ])
  const { arms: named, testControl } = row.terms
  const inTest = (arm: string) => arms.find((one) => one.phase === 'test' && one.arm === arm)?.members ?? 0
  const shares = [testControl, ...named.map(() => (1 - testControl) / named.length)]
  const p = sampleRatio(['control', ...named].map(inTest), shares)
  return {
    experiment: row.experiment,
    name: program.campaigns.find(({ id }) => id === row.experiment)?.name ?? row.experiment,
    state: row.state,
    startedAt: row.startedAt.toISOString(),
    decidedAt: row.decidedAt?.toISOString() ?? null,
    winner: row.winner,
    decidedBy: row.decidedBy,
    arms,
    sampleRatio: { p, isFair: p >= RATIO_ALARM },
    treated: spent.treated,
    spent: { cost: spent.cost, points: spent.pointsValue },
    suppressed,
    looks: looks.map(({ lookedAt, ...look }) => ({ ...look, lookedAt: lookedAt.toISOString() })),
  }
}
