/**
 * Runs one job once: alone over all processes, with a note in the database of when and how it went. The
 * same from the schedule and from the command line.
 */
import { loggedError } from '../db/logged-error.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { runCampaigns } from './campaigns.ts'
import { celebrate } from './celebrate.ts'
import { lookAtExperiments } from './experiments.ts'
import { type Counting, type Deps, isCounting, type JobName, type JobReport } from './job.ts'
import { packHistories } from './pack.ts'
import { purgeEvents } from './purge.ts'
import { noteEnd, noteStart, whileAlone } from './queries.ts'
import { rebuildStates } from './rebuild.ts'
import { scorePrograms } from './score.ts'
import { assignSegments } from './segments.ts'
import { isStudy, study } from './study.ts'
import { runSweep } from './sweep.ts'

export interface Run {
  readonly job: JobName
  /** what is due by this instant; virtual where it is not now */
  readonly at: Date
  readonly signal?: AbortSignal | undefined
  /** the schedule asks: only what has its time now */
  readonly scheduled?: boolean | undefined
  /** of scores, rebuilds and packs */
  readonly only?: Only | undefined
}

export interface Only {
  readonly program?: string | undefined
  /** scores up to and with this day, days since 1 January 1970 */
  readonly asOf?: number | undefined
  /** rebuild every row, marked or not */
  readonly all?: boolean | undefined
  onProgress?(progress: { readonly what: string; readonly done: number; readonly of: number | null }): void
}

/** Throws what the job failed with, after noting it. */
export async function runJob(deps: Deps, run: Run): Promise<JobReport> {
  const at = run.at.toISOString()
  const report = await whileAlone(deps.sql, run.job, () => runNoted(deps, run, at))
  return report ?? { job: run.job, at, ran: false, reason: 'running_elsewhere' }
}

async function runNoted(deps: Deps, run: Run, at: string): Promise<JobReport> {
  const startedAt = performance.now()
  const seconds = () => Math.round(performance.now() - startedAt) / 1000
  await noteStart(deps.sql, run.job, deps.now())
  try {
    const done = await runOne(deps, run)
    const report = { at, ran: true, seconds: seconds(), ...done } as JobReport
    await noteEnd(deps.sql, run.job, { at: deps.now(), outcome: { ok: true, ...report } })
    return report
  } catch (error) {
    const outcome = { ok: false, at, seconds: seconds(), error: loggedError(error as Error).message }
    // With the database away the note fails as well; what counts then is the first error.
    await noteEnd(deps.sql, run.job, { at: deps.now(), outcome }).catch(() => {})
    throw error
  }
}

async function runOne(deps: Deps, { job, at, signal, scheduled, only }: Run) {
  if (job === 'score') return { job, ...(await scorePrograms(deps, { at, signal, scheduled, ...only })) }
  if (job === 'rebuild') return { job, ...(await rebuildStates(deps, { at, signal, ...only })) }
  if (job === 'celebrate') return { job, ...(await celebrate(deps, { at, signal })) }
  if (job === 'pack') return { job, ...(await packHistories(deps, { signal, ...only })) }
  if (job === 'partitions') return { job, created: await ensurePartitions(deps.sql, at) }
  if (isCounting(job)) {
    const { failed, ...counts } = await counted(deps, job, { at, signal })
    return { job, counts, failed }
  }
  if (isStudy(job)) return { job, studied: await study(deps, { job, at, signal }) }
  return { job, ...(await runSweep(deps, { sweep: job, at, signal })) }
}

type Counted = Readonly<Record<string, number>> & { readonly failed: number }

async function counted(deps: Deps, job: Counting, run: Omit<Run, 'job'>): Promise<Counted> {
  switch (job) {
    case 'segments':
      return assignSegments(deps, run)
    case 'campaigns':
      return runCampaigns(deps, run)
    case 'experiments':
      return lookAtExperiments(deps, run)
    case 'purge-events':
      return purgeEvents(deps, run)
  }
}
