/**
 * Birthdays and anniversaries: each is told to the engine once, as a transaction under a key of its own, so a
 * sweep may run as often as it likes. It looks back some days, so that an outage costs nobody their day.
 */
import { DomainError } from '../base/errors.ts'
import { addDays, dayOf, membershipYear, startOfDay } from '../base/time.ts'
import { newCommand } from '../engine/command.ts'
import { createPrograms, type Programs } from '../engine/programs.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import type { Deps } from './job.ts'
import { type Celebrated, celebrating } from './queries.ts'

const DAYS_BACK = 3
const PAGE = 500
const AT_ONCE = 64

export interface CelebrateTotals {
  readonly birthdays: number
  readonly anniversaries: number
  readonly failed: number
}

/** Tells of the days of the last few days up to `at`. */
export async function celebrate(
  deps: Deps,
  { at, signal }: { at: Date; signal?: AbortSignal | undefined },
): Promise<CelebrateTotals> {
  const totals = { birthdays: 0, anniversaries: 0, failed: 0 }
  const programs = await createPrograms(deps.sql)
  for (const id of programs.ids()) {
    const program = inForce(programs, id, at)
    if (program === null) continue
    for (const day of lastDays(dayOf(program.timeZone, at))) {
      for (const event of ['birthday', 'anniversary'] as const) {
        if (isAsked(program, event) && !signal?.aborted)
          await tellOfDay(deps, { program, day, event, at, totals })
      }
    }
  }
  return totals
}

function lastDays(today: string): string[] {
  return Array.from({ length: DAYS_BACK }, (_, index) => addDays(today, index + 1 - DAYS_BACK))
}

function isAsked({ rules, birthday }: Program, event: 'birthday' | 'anniversary'): boolean {
  return rules.byType.has(event) && (event === 'anniversary' || birthday !== null)
}

async function tellOfDay(deps: Deps, telling: Telling): Promise<void> {
  const { program, day, event } = telling
  const attribute = event === 'birthday' ? program.birthday : null
  const asked = { program: program.id, day, attribute, zone: program.timeZone, limit: PAGE }
  let after: string | null = null
  do {
    const page: Celebrated[] = await celebrating(deps.sql, { ...asked, after })
    await tellAll(deps, telling, page)
    after = page.length === PAGE ? page.at(-1)!.memberId : null
  } while (after !== null)
}

function inForce(programs: Programs, id: string, at: Date): Program | null {
  try {
    return programs.at(id, at)
  } catch (error) {
    if (error instanceof DomainError && error.code === 'no_rules_in_force') return null
    throw error
  }
}

interface Telling {
  readonly program: Program
  readonly day: string
  readonly event: 'birthday' | 'anniversary'
  readonly at: Date
  readonly totals: { birthdays: number; anniversaries: number; failed: number }
}

async function tellAll(deps: Deps, telling: Telling, page: readonly Celebrated[]): Promise<void> {
  const left = page.values()
  const workers = Array.from({ length: Math.min(AT_ONCE, page.length) }, async () => {
    for (const member of left) await tellOne(deps, telling, member)
  })
  await Promise.all(workers)
}

async function tellOne(deps: Deps, telling: Telling, { memberId, since }: Celebrated): Promise<void> {
  const { program, day, event, at, totals } = telling
  const years = membershipYear(since, day)
  // The day itself of birth or enrolment is no anniversary.
  if (years < 1) return
  const ref = `${event}/${memberId}/${day}`
  const occurredAt = startOfDay(program.timeZone, day).toISOString()
  const body = { externalRef: ref, type: event, memberId, occurredAt, lines: [], attributes: { years } }
  const command = newCommand({ program: program.id, source: ENGINE_SOURCE, ref, at }, { kind: 'earn', body })
  try {
    const { replayed } = await deps.lane.run(command)
    if (!replayed) totals[event === 'birthday' ? 'birthdays' : 'anniversaries'] += 1
  } catch (error) {
    if (error instanceof DomainError && ['queue_full', 'database_unavailable'].includes(error.code))
      throw error
    totals.failed += 1
    deps.log.error({ err: error, memberId, job: 'celebrate' }, 'a day could not be told of')
  }
}
