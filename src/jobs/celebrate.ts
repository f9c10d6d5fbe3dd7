/**
 * Birthdays and anniversaries: each is told to the engine once, as a transaction under a key of its own, so a
 * sweep may run as often as it likes. It looks back some days, so that an outage costs nobody their day.
 */
import { addDays, dayOf, membershipYear, startOfDay } from '../base/time.ts'
import { newCommand } from '../engine/command.ts'
import { createPrograms } from '../engine/programs.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import type { Deps } from './job.ts'
import { programsInForce, workThrough } from './page.ts'
import { type Celebrated, celebrating } from './queries.ts'

const DAYS_BACK = 3
const PAGE = 500

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
  for (const program of programsInForce(programs, at)) {
    for (const day of lastDays(dayOf(program.timeZone, at))) {
      for (const event of ['birthday', 'anniversary'] as const) {
        if (isAsked(program, event) && !signal?.aborted)
          await tellOfDay(deps, { program, day, event, at, signal, totals })
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
    telling.totals.failed += await workThrough(deps, {
      job: 'celebrate',
      items: page,
      signal: telling.signal,
      memberOf: ({ memberId }) => memberId,
      work: (member) => tellOne(deps, telling, member),
    })
    after = page.length === PAGE ? page.at(-1)!.memberId : null
  } while (after !== null && !telling.signal?.aborted)
}

interface Telling {
  readonly program: Program
  readonly day: string
  readonly event: 'birthday' | 'anniversary'
  readonly at: Date
  readonly signal: AbortSignal | undefined
  readonly totals: { birthdays: number; anniversaries: number; failed: number }
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
  const { replayed } = await deps.lane.run(command)
  if (!replayed) totals[event === 'birthday' ? 'birthdays' : 'anniversaries'] += 1
}
