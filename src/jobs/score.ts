/**
 * Scores the members of every program that has a retention section, and raises and clears their flags through
 * the lane. By itself a program is scored once a day or a week, at night in its zone, up to and with the day
 * before; by hand whenever it is asked for. A second run for the same day finds the same.
 */
import { DomainError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import { type Day, dayNumbered, dayNumberOf, minuteOf, numberOfDay, startOfDay } from '../base/time.ts'
import { addressOf } from '../db/connection.ts'
import { newCommand, type Request } from '../engine/command.ts'
import { createPrograms, type Programs, readableAt } from '../engine/programs.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import { marginOf } from '../program/margin.ts'
import type { Program, Retention } from '../program/program.ts'
import { lastRun, noteRun, noteRunEnd } from '../retention/queries-scores.ts'
import { scoreBeside } from '../retention/score-beside.ts'
import type { Found, ScoreTerms } from '../retention/score-run.ts'
import { upliftsOf } from '../retention/uplift-run.ts'
import type { Deps, ScoredProgram, ScoreTotals } from './job.ts'
import { programsInForce, workThrough } from './page.ts'
import { rebuildProgram } from './rebuild.ts'

const NIGHT_FROM = 3 * 60
const WEEK = 7
const AT_ONCE = 32

export interface ScoreRun {
  readonly at: Date
  /** only this one */
  readonly program?: string | undefined
  /** up to and with this day, days since 1 January 1970; the day before `at` where it is left out */
  readonly asOf?: number | undefined
  /** only programs whose time has come */
  readonly scheduled?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  onProgress?(progress: { readonly what: string; readonly done: number; readonly of: number | null }): void
}

/** Refuses `date_out_of_range` where the one program that is asked for was scored for a later day before. */
export async function scorePrograms(deps: Deps, run: ScoreRun): Promise<ScoreTotals> {
  const totals: ScoreTotals = { members: 0, programs: [], leftAlone: [], failed: 0 }
  const programs = await createPrograms(deps.sql)
  for (const program of programsInForce(programs, run.at)) {
    const { id } = program
    if (!program.retention || (run.program !== undefined && run.program !== id)) continue
    const asOf = run.asOf ?? dayNumberOf(program.timeZone, run.at) - 1
    const last = await lastRun(deps.sql, id)
    const known = last === null ? null : numberOfDay(last.asOf)
    if (run.scheduled && !isTime(program, { asOf, known, at: run.at })) continue
    if (known !== null && asOf < known) {
      if (run.program !== undefined) throw scoredLater(id, dayNumbered(known))
      totals.leftAlone.push({ program: id, asOf: dayNumbered(known) })
      continue
    }
    const rebuilding = { members: 0, dropped: 0, failed: 0 }
    await rebuildProgram(deps, {
      programs,
      program,
      totals: rebuilding,
      run: {
        at: run.at,
        signal: run.signal,
        onProgress: (progress) => run.onProgress?.(progress),
      },
    })
    totals.failed += rebuilding.failed
    if (run.signal?.aborted) break
    const scored = await scoreProgram(deps, {
      ...{ programs, program, retention: program.retention, asOf, run, totals },
    })
    if (scored === null) break
    totals.programs.push(scored)
    totals.members += scored.members
  }
  return totals
}

function scoredLater(program: string, earliest: Day): DomainError {
  const problem = `${program} was scored up to ${earliest} before; an earlier day would undo that`
  return new DomainError('date_out_of_range', { path: '/asOf', earliest, problem })
}

function isTime(
  { timeZone, retention }: Program,
  { asOf, known, at }: { asOf: number; known: number | null; at: Date },
): boolean {
  const every = retention?.looks === 'weekly' ? WEEK : 1
  return minuteOf(timeZone, at) >= NIGHT_FROM && (known === null || asOf >= known + every)
}

interface Scoring {
  readonly programs: Programs
  readonly program: Program
  readonly retention: Retention
  readonly asOf: number
  readonly run: ScoreRun
  readonly totals: ScoreTotals
}

/** Null where it was called off. */
async function scoreProgram(deps: Deps, scoring: Scoring): Promise<ScoredProgram | null> {
  const { program, retention, asOf, run } = scoring
  const { horizonDays, falseFlags: accepted, closed } = retention
  const margin = marginOf(program).toNumber()
  const until = startOfDay(program.timeZone, dayNumbered(asOf + 1))
  const rulesAt = (at: Date) => readableAt(scoring.programs, program.id, at)
  const uplifts = await upliftsOf(deps.sql, { program, until, rulesAt, signal: run.signal })
  const terms: ScoreTerms = {
    ...{ program: program.id, runId: newId(), asOf, horizonDays, accepted, margin },
    closed,
    timeZone: program.timeZone,
    until,
    uplifts: { gone_quiet: uplifts.gone_quiet.uplift, buying_less: uplifts.buying_less.uplift },
    redeemable: [...program.currencies.values()].flatMap(({ id, kind }) =>
      kind === 'redeemable' ? [id] : [],
    ),
  }
  await noteRun(deps.sql, { ...terms, uplifts, currency: program.money, startedAt: deps.now() })
  const task = { url: addressOf(deps.sql), terms }
  const found = await scoreBeside(task, { signal: run.signal, onProgress: run.onProgress ?? (() => {}) })
  if (found === null) return null
  const told = await tellFlags(deps, { scoring, terms, found })
  await noteRunEnd(deps.sql, terms, { ...found, ...told, finishedAt: deps.now() })
  const { members, flagged, model } = found
  return { program: program.id, asOf: dayNumbered(asOf), members, flagged, ...told, model }
}

interface Telling {
  readonly scoring: Scoring
  readonly terms: ScoreTerms
  readonly found: Found
}

/** A command by its reference. */
type Told = readonly [ref: string, request: Extract<Request, { kind: 'raise_flag' | 'clear_flag' }>]

/** Cleared ones first: who changes from one flag to the other has one at a time. */
async function tellFlags(
  deps: Deps,
  { scoring, terms, found }: Telling,
): Promise<{ raised: number; cleared: number }> {
  const day = dayNumbered(terms.asOf)
  const { horizonDays, runId } = terms
  const clears = found.clear.map(
    ({ memberId, flagId, flag }): Told => [
      `flag-cleared/${flagId}`,
      { kind: 'clear_flag', memberId, body: { flagId, flag, day } },
    ],
  )
  const raises = found.raise.map(
    ({ memberId, flag, silent, decline, most }): Told => [
      `flag-raised/${runId}/${memberId}`,
      {
        kind: 'raise_flag',
        memberId,
        body: { flag, runId, day, horizonDays, pSilent: silent, pDecline: decline, most },
      },
    ],
  )
  const cleared = await sendAll(deps, scoring, clears)
  return { cleared, raised: await sendAll(deps, scoring, raises) }
}

/** How many were sent: a flag that was told of before counts, too. */
async function sendAll(deps: Deps, { program, run, totals }: Scoring, all: readonly Told[]): Promise<number> {
  let done = 0
  totals.failed += await workThrough(deps, {
    job: 'score',
    items: all,
    atOnce: AT_ONCE,
    memberOf: ([, { memberId }]) => memberId,
    work: async ([ref, request]) => {
      const who = { program: program.id, source: ENGINE_SOURCE, ref, at: run.at }
      try {
        await deps.lane.run(newCommand(who, request))
        done += 1
      } catch (error) {
        // Whoever was closed or merged since is no longer anybody's to call.
        if (!(error instanceof DomainError && error.code === 'member_not_active')) throw error
      }
    },
  })
  return done
}
