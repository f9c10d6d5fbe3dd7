/**
 * What several nouns share on the wire. Every string, list and number of a request is bounded here, and
 * requests are strict: a field that is not understood is refused, never passed over. Built once, at load.
 */
import { z } from 'zod'
import { Decimal, MAX_POINTS } from '../base/points.ts'

const MOST = Number(MAX_POINTS)
// PostgreSQL's text holds no NUL, and a lone surrogate has no UTF-8 form.
export const STORABLE = /^[^\0\p{Surrogate}]*$/u

/** Text that can be stored as it is; may be empty. */
export function storable(longest: number) {
  return z.string().max(longest).regex(STORABLE, 'holds a NUL character or half a surrogate pair')
}

/** The same, never empty. */
export function text(longest: number) {
  return storable(longest).min(1)
}

/** `mem_` and 32 hex digits. Any other text is a member that is not there, so it is not checked here. */
export function id(prefix: string, what: string) {
  return text(100).meta({
    description: `Id of ${what}: \`${prefix}_\` and 32 hex digits, sortable by time`,
    examples: [`${prefix}_0198f0a2b3c4700080000000000a0001`],
  })
}

export const externalRef = text(200).meta({
  description:
    "The caller's own reference: unique per source and operation, so that the request is safe to send again",
  examples: ['till-7/2026-03-03/000184'],
})

/** On writes whose reference may come as a header instead. */
export const externalRefOrHeader = externalRef.optional().meta({
  description: "The caller's own reference; required unless the Idempotency-Key header is given",
  examples: ['till-7/2026-03-03/000184'],
})

export const instant = z.iso
  .datetime({ offset: true, abort: true })
  .max(40)
  .refine((at) => at >= '1970' && !Number.isNaN(Date.parse(at)), 'is not an instant since 1970')
  .meta({
    description: 'RFC 3339 with an offset',
    examples: ['2026-03-03T09:15:00+01:00'],
  })

/** Of a question: an instant of business time; now where it is left out. */
export const askedInstant = instant.optional().meta({
  description: 'An instant of business time; now where it is left out',
  examples: ['2026-03-03T09:15:00+01:00'],
})

export const currencyId = text(64).meta({ description: "A currency of the program's", examples: ['beans'] })

/** Points that are spent or named; never zero. An integer of zod's is one that a number holds exactly: MAX_POINTS at most. */
export const points = z
  .int()
  .min(1)
  .meta({ examples: [40] })

export const wirePoints = z.int().meta({ examples: [120] })

export const Money = z
  .strictObject({
    amount: z.string().regex(/^\d{1,12}(\.\d{1,4})?$/, 'is not a decimal such as "12.50"'),
    currency: z.string().regex(/^[A-Z]{3}$/, 'is not an ISO 4217 code such as EUR'),
  })
  .meta({
    id: 'Money',
    description: 'An amount without a sign, as a decimal string, and its ISO 4217 currency',
    examples: [{ amount: '12.50', currency: 'EUR' }],
  })

function hasThreeDecimalsAtMost(value: number): boolean {
  return Number.isInteger(value) || new Decimal(value).decimalPlaces() <= 3
}

export const quantity = z
  .number()
  .positive()
  .max(1_000_000)
  .refine(hasThreeDecimalsAtMost, 'has more than three decimals')
  .meta({ description: 'At most three decimals', examples: [1, 0.25] })

const kind = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_-]{0,31}$/, 'is not a name such as card or partnerId')
  .meta({ examples: ['card'] })

export const identifierKind = kind
export const identifierValue = text(200).meta({ examples: ['2600123456789'] })

export const IdentifierReference = z.strictObject({ kind: identifierKind, value: identifierValue }).meta({
  id: 'IdentifierReference',
  description: 'A card, a phone number, a partner’s id: any of them opens the member',
  examples: [{ kind: 'card', value: '2600123456789' }],
})

export const Identifier = z
  .strictObject({ kind: z.string(), value: z.string(), status: z.enum(['active', 'blocked']) })
  .meta({ id: 'Identifier', examples: [{ kind: 'card', value: '2600123456789', status: 'active' }] })

/** How a request names its member. */
export const memberReference = {
  memberId: id('mem', 'the member').optional(),
  identifier: IdentifierReference.optional(),
}

/** Exactly one of the two ways to name a member. */
export function oneMember(
  body: { memberId?: unknown; identifier?: unknown },
  context: z.RefinementCtx,
): void {
  if ((body.memberId === undefined) === (body.identifier === undefined)) {
    context.addIssue({
      code: 'custom',
      path: ['memberId'],
      message: 'give either memberId or identifier, and not both',
    })
  }
}

/** One way to name a member, or none. */
export function atMostOneMember(
  body: { memberId?: unknown; identifier?: unknown },
  context: z.RefinementCtx,
): void {
  if (body.memberId === undefined || body.identifier === undefined) return
  context.addIssue({
    code: 'custom',
    path: ['memberId'],
    message: 'give either memberId or identifier, and not both',
  })
}

const fieldName = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'is not a field name')
const fieldValue = z
  .union([storable(500), z.number().min(-MOST).max(MOST), z.boolean(), z.null()])
  .meta({ description: 'Text, a number, true, false or null; never an object or a list' })

/** A flat map of scalars. */
export const attributes = z
  .record(fieldName, fieldValue)
  .refine((fields) => Object.keys(fields).length <= 50, 'has more than 50 fields')
  .meta({ examples: [{ birthYear: 1984, newsletter: true }] })

export const consents = z
  .record(fieldName, z.boolean())
  .refine((fields) => Object.keys(fields).length <= 50, 'has more than 50 fields')
  .meta({ examples: [{ marketing: true }] })

/** As it is kept and shown, whatever the rules of the day were. */
export const shownAttributes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))

export const Balance = z
  .strictObject({
    currency: z.string(),
    available: wirePoints,
    pending: wirePoints,
    held: wirePoints,
    negative: wirePoints.meta({ description: 'Owed after a claw-back; the next accrual pays it off first' }),
  })
  .meta({
    id: 'Balance',
    examples: [{ currency: 'beans', available: 120, pending: 0, held: 0, negative: 0 }],
  })

export const shownInstant = z.iso.datetime().meta({ examples: ['2026-03-03T08:15:00.000Z'] })

export const TierStanding = z
  .strictObject({
    ladder: z.string(),
    tier: z.string(),
    since: shownInstant,
    until: shownInstant.nullable(),
  })
  .meta({
    id: 'TierStanding',
    examples: [
      {
        ladder: 'tiers',
        tier: 'silver',
        since: '2026-03-03T08:15:00.000Z',
        until: '2027-12-31T23:00:00.000Z',
      },
    ],
  })

export const TierChange = z
  .strictObject({
    ladder: z.string(),
    from: z.string(),
    to: z.string(),
    direction: z.enum(['up', 'down']),
  })
  .meta({ id: 'TierChange', examples: [{ ladder: 'tiers', from: 'base', to: 'silver', direction: 'up' }] })

export const Award = z
  .strictObject({
    rule: z.string(),
    currency: z.string(),
    points: wirePoints,
    lineId: z.string().optional(),
    funder: z
      .string()
      .optional()
      .meta({ description: 'The partner who pays for the points; left out where the program does' }),
    explanation: z.string(),
  })
  .meta({
    id: 'Award',
    examples: [
      {
        rule: 'base',
        currency: 'beans',
        points: 12,
        explanation: '1 bean per 1 EUR of 12.50 EUR net, rounded down',
      },
    ],
  })

const cursor = z.string().min(1).max(200)

/** `?limit=` and `?cursor=`. */
export const paging = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'is not a number from 1 to 200')
    .transform(Number)
    .pipe(z.int().min(1).max(200))
    .default(50)
    .meta({ description: 'How many at most, 1 to 200', examples: [50] }),
  cursor: cursor
    .optional()
    .meta({ description: '`nextCursor` of the page before', examples: ['MDE5OGYwYTI'] }),
}

/** A page of a list. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() })
}
