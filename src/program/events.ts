/**
 * What happens to members beside purchases, as types of transactions that rules can be `on`: the engine
 * brings them about itself, each once, and nobody can post one from outside.
 */
import type { Field } from '../rules/facts.ts'
import type { TransactionType } from './program.ts'

export const eventNames = [
  'enrolment',
  'birthday',
  'anniversary',
  'tierReached',
  'segmentEntered',
  'segmentLeft',
  'flagRaised',
  'registration',
  'referral',
  'treatment',
] as const
export type EventName = (typeof eventNames)[number]

/** Why a member can be flagged. */
export const FLAGS = ['gone_quiet', 'buying_less'] as const

/** Under this source the engine writes what nobody asked for; no key can have it. */
export const ENGINE_SOURCE = 'milepost'

export function isEvent(type: string): type is EventName {
  return eventNames.some((name) => name === type)
}

/** The types with the facts that their rules can use: which tier, which segment, whose side. */
export function eventTypes(declared: {
  segments: readonly string[]
  promotions: readonly string[]
  ladders: readonly string[]
  campaigns: readonly string[]
  /** of all ladders */
  tiers: readonly string[]
  /** of all campaigns */
  arms: readonly string[]
}): Map<EventName, TransactionType> {
  const { segments, promotions, ladders, campaigns, tiers, arms } = declared
  const fields: Record<EventName, Field[]> = {
    enrolment: [],
    birthday: [integer('years')],
    anniversary: [integer('years')],
    tierReached: [text('ladder', ladders), text('from', tiers)],
    segmentEntered: [text('entered', segments)],
    segmentLeft: [text('left', segments)],
    flagRaised: [text('reason', FLAGS)],
    registration: [text('registeredFor', promotions)],
    referral: [text('side', ['referrer', 'friend'])],
    treatment: [text('campaign', campaigns), text('arm', arms)],
  }
  return new Map(
    eventNames.map((id) => [
      id,
      {
        id,
        fields: new Map(fields[id].map((field) => [field.name, field])),
        lineFields: new Map(),
        claimWithin: null,
        unique: [],
      },
    ]),
  )
}

function text(name: string, oneOf: readonly string[] | null): Field {
  return { name, type: 'text', oneOf: oneOf?.length === 0 ? null : oneOf, required: false }
}

function integer(name: string): Field {
  return { name, type: 'integer', oneOf: null, required: false }
}
