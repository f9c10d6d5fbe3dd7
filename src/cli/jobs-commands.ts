/** `milepost jobs …`: one sweep by hand, also at a virtual time, and what the jobs are. */
import { didYouMean } from '../base/nearest.ts'
import { loggedError } from '../db/logged-error.ts'
import { isJob, type JobReport, jobNames, jobs, type PackedProgram } from '../jobs/job.ts'
import { lastRuns } from '../jobs/queries.ts'
import { runJob } from '../jobs/run.ts'
import type { PassedOver } from '../simulate/pack-history.ts'
import type { Unkept } from '../simulate/packs.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { openEngine, openMigrated } from './installation.ts'
import { count, table } from './terminal.ts'

export const jobsRun: CliCommand = {
  operands: ['name'],
  about: [
    'The service runs every job by itself; this is for once more, or for another instant. A sweep settles what ' +
      'is due and finds nothing the second time. While another process is at the same job it does nothing.',
    'pack reads the whole history that a simulation would read and keeps it in the data folder: after publishing ' +
      'or importing, the first simulation is then as quick as the next. It is always as of now.',
    `Jobs: ${jobNames.join(', ')}.`,
  ],
  options: {
    at: { about: 'what is due by this instant, instead of by now', value: 'TIME' },
    json: { about: 'what it did, as JSON' },
  },
  examples: [
    'milepost jobs run expire',
    'milepost jobs run pack',
    'milepost jobs run release-pending --at 2027-01-01T00:00:00Z --json',
  ],
  async run(call) {
    const name = call.words.operands[0]!
    if (!isJob(name)) {
      throw new UsageError(
        `there is no job "${name}"`,
        didYouMean(name, jobNames) ?? 'see milepost jobs list',
      )
    }
    const at = call.words.instant('at') ?? call.now()
    const { sql, lane, config } = await openEngine(call)
    const { eventDays, dataFolder } = config
    const deps = { sql, lane, eventDays, dataFolder, now: call.now, log: logOf(call) }
    const progress = name === 'pack' ? call.terminal.progress('members') : null
    const onProgress = ({ done, of }: { done: number; of: number | null }) =>
      progress?.update(done, of ?? done)
    const run = { job: name, at, signal: call.closing.signal, only: { onProgress } }
    const report = await runJob(deps, run).finally(() => progress?.stop())
    if (call.words.flag('json')) call.terminal.json(report)
    else call.terminal.print(inWords(report))
    return isWhole(report) ? 0 : 1
  },
}

/** False: somebody or a program was left out, and the report says so. */
export function isWhole(report: JobReport): boolean {
  if (!report.ran) return true
  if (report.job === 'score' && report.leftAlone.length > 0) return false
  if (report.job === 'pack') return report.unkept === null && report.programs.every(hasRoom)
  return !('failed' in report && report.failed > 0)
}

export function logOf({ terminal }: Call) {
  return {
    debug: () => {},
    info: () => {},
    error: (facts: { memberId?: string; err?: Error }, message: string) =>
      terminal.note(`${message}: ${facts.memberId ?? ''} ${facts.err ? loggedError(facts.err).message : ''}`),
  }
}

function inWords(report: JobReport): string {
  if (!report.ran) return `${report.job}: running elsewhere, nothing done`
  if (report.job === 'partitions') return `partitions: ${count(report.created.length, 'table')} made`
  if (report.job === 'pack') return packInWords(report)
  if ('studied' in report) {
    const told = report.studied.map(({ program, members, products }) => {
      const of = products === undefined ? '' : `, ${count(products, 'product')}`
      return `${report.job}: ${program}, ${count(members, 'member')}${of}`
    })
    return told.length === 0 ? `${report.job}: no program is published` : told.join('\n')
  }
  if (report.job === 'celebrate') {
    const told = `${count(report.birthdays, 'birthday')} and ${count(report.anniversaries, 'anniversary', 'anniversaries')} told of`
    return `celebrate: ${told}${report.failed > 0 ? `; ${report.failed} failed` : ''}`
  }
  if (report.job === 'rebuild' || report.job === 'score') return inRetentionWords(report)
  if ('counts' in report) {
    const did = Object.entries(report.counts).map(([what, many]) => `${inOwnWords(what)} ${many}`)
    return `${report.job}: ${[...did, ...(report.failed > 0 ? [`failed ${report.failed}`] : [])].join(', ')}`
  }
  const { job, members, released, expired, cancelled, holdsReleased, tierChanges, failed } = report
  return [
    `${job}: ${count(members, 'member')} settled in ${report.seconds} s`,
    `${count(released, 'point')} released, ${count(expired, 'point')} expired`,
    ...(cancelled > 0 ? [`${count(cancelled, 'point')} cancelled`] : []),
    `${count(holdsReleased, 'hold')} let go, ${count(tierChanges, 'tier change')}`,
    ...(failed > 0 ? [`${count(failed, 'member')} failed`] : []),
  ].join('; ')
}

function hasRoom(one: PackedProgram): boolean {
  return 'passedOver' in one || one.noRoom === 0
}

const unkept: Readonly<Record<Unkept, string>> = {
  unknown_database: 'the database does not say which one it is (pg_control_system)',
  unwritable_folder: 'the data folder cannot be written to',
}

const passedOver: Readonly<Record<PassedOver, string>> = {
  long_way: 'left out: under its rules every member goes the long way, which reads rows',
  rules_unreadable: 'left out: some version of its rules no longer loads, see milepost doctor',
}

function packInWords({
  programs,
  unkept: why,
  seconds,
}: Extract<JobReport, { job: 'pack'; ran: true }>): string {
  if (why !== null) return `pack: nothing can be kept here: ${unkept[why]}`
  if (programs.length === 0) return 'pack: no program is published'
  const lines = programs.map((one) => {
    if ('passedOver' in one) return `pack: ${one.program} ${passedOver[one.passedOver]}`
    const { program, members, of, packed, sales, noRoom, bytes } = one
    const whole = members === of ? '' : `, ${count(of - members, 'member')} not looked at yet`
    const left = noRoom === 0 ? '' : `, no room for ${count(noRoom, 'member')}`
    const anew =
      packed === 0 ? 'nothing new' : `${count(packed, 'member')} with ${count(sales, 'sale')} packed anew`
    return `pack: ${program}, ${anew}, ${count(of, 'member')} in all, ${size(bytes)}${left}${whole}`
  })
  return `${lines.join('\n')}\nin ${seconds} s`
}

function size(bytes: number): string {
  return `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`
}

export function inRetentionWords(
  report: Extract<JobReport, { job: 'rebuild' | 'score'; ran: true }>,
): string {
  const { job, members, seconds, failed } = report
  const missed = failed > 0 ? `; ${failed} failed` : ''
  if (job === 'rebuild') {
    const dropped =
      report.dropped > 0 ? `, ${count(report.dropped, 'row')} of programs without a section removed` : ''
    return `rebuild: ${count(members, 'member')} made anew in ${seconds} s${dropped}${missed}`
  }
  const { programs, leftAlone } = report
  if (programs.length + leftAlone.length === 0)
    return `score: no program with a retention section to score${missed}`
  const left = leftAlone.map(
    ({ program, asOf }) =>
      `score: ${program} left alone: it was scored up to ${asOf} before; an earlier day would undo that`,
  )
  const lines = programs.map((one) => {
    const { gone_quiet: quiet, buying_less: less } = one.flagged
    const told = `${quiet} gone quiet, ${less} buying less; ${count(one.raised, 'flag')} raised, ${one.cleared} cleared`
    return `score: ${one.program} as of ${one.asOf}: ${count(one.members, 'member')}, ${told}`
  })
  return `${[...lines, ...left].join('\n')}\nin ${seconds} s${missed}`
}

/** `broughtForward` is `brought forward`. */
function inOwnWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

export const jobsList: CliCommand = {
  options: { json: { about: 'the list as JSON' } },
  examples: ['milepost jobs list', 'milepost jobs list --json'],
  async run(call) {
    const { sql } = await openMigrated(call)
    const runs = new Map((await lastRuns(sql)).map((run) => [run.job, run]))
    const list = jobs.map((job) => {
      const run = runs.get(job.name)
      return {
        ...job,
        lastStartedAt: run?.startedAt ?? null,
        lastFinishedAt: run?.finishedAt ?? null,
        outcome: run?.outcome ?? null,
      }
    })
    if (call.words.flag('json')) call.terminal.json({ jobs: list })
    else {
      const rows = list.map(({ name, schedule, lastStartedAt, about }) => [
        ...[name, schedule, lastStartedAt?.toISOString() ?? 'never'],
        about,
      ])
      call.terminal.print(table([['job', 'when (UTC)', 'last run', 'what it does'], ...rows]))
    }
    return 0
  },
}
