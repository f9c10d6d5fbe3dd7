/**
 * Events that a simulation cannot know of: nobody records a birthday while no rule asks for it, so a candidate
 * that does finds none in the history. Reaching a tier is no such event: a replay comes to it by itself.
 */
import type { Programs } from '../engine/programs.ts'
import { type EventName, eventNames } from '../program/events.ts'
import type { Program } from '../program/program.ts'

/** What the candidate has rules on and some published version, in force since then, has not. */
export function unrecordedEvents(
  candidate: Program,
  programs: Pick<Programs, 'versions' | 'version'>,
  { since, asOf }: { since: Date | null; asOf: Date },
): EventName[] {
  const { id } = candidate
  const inForce = programs
    .versions(id)
    .filter(
      ({ withdrawn, effectiveFrom, until }) =>
        withdrawn === null && effectiveFrom <= asOf && (since === null || until === null || until > since),
    )
    .map(({ version }) => programs.version(id, version))
  const asksFor = ({ rules }: Program, event: EventName) => rules.byType.has(event)
  return eventNames.filter(
    (event) =>
      event !== 'tierReached' &&
      asksFor(candidate, event) &&
      inForce.some((program) => !asksFor(program, event)),
  )
}
