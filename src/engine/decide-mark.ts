/**
 * What members register for, which segments they are in, and what people decide about their tiers, as
 * commands. Entering a segment or registering is an event that rules can be on.
 */
import { DomainError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { readInstant } from '../earning/facts.ts'
import { mustBeActive } from '../members/enrol.ts'
import { decideByHand } from '../tiers/challenge.ts'
import { type WireTier, wireTier } from '../tiers/standing.ts'
import { announce, type Deciding, standingsOf } from './deciding.ts'
import type { Mark, RegistrationBody, SegmentBody, TierBody } from './marks.ts'
import { occur, tellOfTiers } from './occur.ts'
import { settleAfter } from './settle.ts'
import { changeByHand } from './standings.ts'

export interface WireMarks {
  segments: string[]
  promotions: string[]
}

/** Registers the member for a promotion; again is the same as once. Refuses `promotion_not_found`. */
export function decideRegistration(deciding: Deciding, body: RegistrationBody): WireMarks {
  const { command, rules, state } = deciding
  mustBeActive(state.member)
  const at = timeOf(deciding, body.occurredAt)
  const { promotions } = rules.at(command.program, at)
  const promotion = promotions.get(body.promotion)
  const isOpen =
    promotion &&
    (promotion.from === null || promotion.from <= at) &&
    (promotion.until === null || at < promotion.until)
  if (!isOpen) {
    const hint = promotion ? undefined : didYouMean(body.promotion, promotions.keys())
    const problem = promotion ? 'registration is not open at that time' : 'there is no such promotion'
    throw new DomainError('promotion_not_found', {
      promotion: body.promotion,
      problem,
      ...(hint && { hint }),
    })
  }
  if (registerFor(deciding, promotion.id, at)) after(deciding)
  return marksOf(deciding)
}

/** False where the member is registered already. */
export function registerFor(deciding: Deciding, promotion: string, at: Date): boolean {
  const marks = deciding.state.marks ?? []
  if (marks.some(({ kind, name }) => kind === 'promotion' && name === promotion)) return false
  put(deciding, { kind: 'promotion', name: promotion, since: at, until: null })
  announce(deciding, 'promotion.registered', { promotion })
  occur(deciding, { type: 'registration', at, attributes: { registeredFor: promotion } })
  return true
}

/** Enters the member into a segment, or takes them out. Refuses `unknown_fact` for one that is not declared. */
export function decideSegment(deciding: Deciding, body: SegmentBody): WireMarks {
  const { command, rules, state } = deciding
  mustBeActive(state.member)
  const at = timeOf(deciding, body.occurredAt)
  const { segments, segmentRules } = rules.at(command.program, at)
  if (!segments.includes(body.segment)) {
    const hint = didYouMean(body.segment, segments)
    const problem = `"${body.segment}" is not declared`
    throw new DomainError('unknown_fact', { path: '/segment', problem, ...(hint && { hint }) })
  }
  if (segmentRules.some(({ id }) => id === body.segment)) {
    const problem = `"${body.segment}" follows from its conditions: nobody is entered or taken out by hand`
    throw new DomainError('unknown_fact', { path: '/segment', problem })
  }
  const isChanged = (body.member ? enterSegment : leaveSegment)(deciding, body.segment, at)
  if (isChanged) after(deciding)
  return marksOf(deciding)
}

/** False where the member is in it already. */
export function enterSegment(deciding: Deciding, segment: string, at: Date): boolean {
  if (heldOf(deciding, segment)) return false
  put(deciding, { kind: 'segment', name: segment, since: at, until: null })
  announce(deciding, 'segment.entered', { segment })
  occur(deciding, { type: 'segmentEntered', at, attributes: { entered: segment } })
  return true
}

/** False where the member is not in it. */
export function leaveSegment(deciding: Deciding, segment: string, at: Date): boolean {
  const held = heldOf(deciding, segment)
  if (!held) return false
  // Out before it was in is never in: the stretch is empty.
  put(deciding, { ...held, until: at > held.since ? at : held.since })
  announce(deciding, 'segment.left', { segment })
  occur(deciding, { type: 'segmentLeft', at, attributes: { left: segment } })
  return true
}

function heldOf({ state }: Deciding, segment: string): Mark | undefined {
  return state.marks?.find(
    ({ kind, name, until }) => kind === 'segment' && name === segment && until === null,
  )
}

/** A tier by hand, a challenge, or automation again. Refuses `tier_not_found`. */
export function decideTier(deciding: Deciding, body: TierBody): WireTier {
  const { program, command, state } = deciding
  mustBeActive(state.member)
  const ladder = program.ladders.find(({ id }) => id === (body.ladder ?? program.ladders[0]?.id))
  if (!ladder) throw new DomainError('tier_not_found', { ladder: body.ladder ?? null })
  const { reason } = body
  const until = body.until === undefined ? null : new Date(body.until)
  if (until !== null && until <= command.at)
    throw new DomainError('date_out_of_range', { path: '/until', earliest: command.at.toISOString() })
  const wanted =
    body.tier !== undefined
      ? { tier: body.tier, until, reason }
      : body.challenge !== undefined
        ? { challenge: body.challenge, reason }
        : { release: true as const, reason }
  const standing = standingsOf(deciding).get(ladder.id)!
  const change = decideByHand(ladder, { standing, wanted, timeZone: program.timeZone, at: command.at })
  changeByHand(deciding, ladder, change)
  tellOfTiers(deciding)
  settleAfter(deciding)
  return wireTier(standingsOf(deciding).get(ladder.id)!)
}

/** What follows from marks that changed: tiers that events led to, and the next due instant. */
export function after(deciding: Deciding): void {
  tellOfTiers(deciding)
  settleAfter(deciding)
}

function timeOf({ command }: Deciding, occurredAt: string | undefined): Date {
  return occurredAt === undefined ? command.at : readInstant(occurredAt, command.at, '/occurredAt')
}

function put({ writes, state, command }: Deciding, mark: Mark): void {
  writes.marks.push({ memberId: state.member.memberId, mark, at: command.at })
  const same = (one: Mark) =>
    one.kind === mark.kind && one.name === mark.name && one.since.getTime() === mark.since.getTime()
  state.marks = [...(state.marks ?? []).filter((one) => !same(one)), mark]
}

function marksOf({ state }: Deciding): WireMarks {
  const names = (kind: Mark['kind']) => {
    const held = (state.marks ?? []).filter((mark) => mark.kind === kind && mark.until === null)
    return held.map(({ name }) => name).sort()
  }
  return { segments: names('segment'), promotions: names('promotion') }
}
