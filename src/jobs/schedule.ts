/**
 * The jobs inside the service, each at its minutes. A job that fails is logged and runs again at its next
 * time; it never stops the service, and never runs beside itself.
 */
import { Cron } from 'croner'
import { type Deps, type JobName, type JobReport, jobs, type PackedProgram } from './job.ts'
import { runJob } from './run.ts'

export interface Schedule {
  /** No new run; waits for the running ones, which end after the members at hand. */
  stop(): Promise<void>
}

export function startSchedule(deps: Deps): Schedule {
  const abort = new AbortController()
  const running = new Set<Promise<void>>()

  async function runQuietly(name: JobName): Promise<void> {
    try {
      const report = await runJob(deps, { job: name, at: deps.now(), signal: abort.signal, scheduled: true })
      if (didSomething(report)) deps.log.info(report, 'job done')
      else deps.log.debug(report, 'job found nothing to do')
    } catch (error) {
      deps.log.error({ err: error, job: name }, 'job failed, it runs again at its next time')
    }
  }

  const crons = jobs.map(
    ({ name, schedule }) =>
      new Cron(schedule, { protect: true, timezone: 'UTC' }, async () => {
        if (abort.signal.aborted) return
        const run = runQuietly(name)
        running.add(run)
        await run
        running.delete(run)
      }),
  )

  return {
    async stop() {
      abort.abort()
      for (const cron of crons) cron.stop()
      await Promise.all(running)
    },
  }
}

function isPackedAnew(one: PackedProgram): boolean {
  return 'packed' in one && one.packed + one.noRoom > 0
}

function didSomething(report: JobReport): boolean {
  if (!report.ran) return false
  if (report.job === 'celebrate') return report.birthdays + report.anniversaries + report.failed > 0
  if (report.job === 'rebuild' && report.dropped > 0) return true
  if ('counts' in report) return report.failed > 0 || Object.values(report.counts).some((many) => many > 0)
  if (report.job === 'pack') return report.unkept !== null || report.programs.some(isPackedAnew)
  if ('studied' in report) return report.studied.length > 0
  return report.job === 'partitions' ? report.created.length > 0 : report.members + report.failed > 0
}
