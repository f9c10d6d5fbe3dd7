/**
 * The outbox for those who would rather pull: what happened in the program, in the order of commit. Whoever
 * goes on from where the last answer ended misses nothing, however many write at the same time.
 */
import { z } from 'zod'
import { BEGINNING, readEvents } from '../events/queries.ts'
import { placeAfter, showPlace, wireEvent } from '../events/wire.ts'
import { callerOf, scope } from './auth.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { id, paging, shownInstant, text } from './schemas.ts'

const MOST_TYPES = 20

const example = {
  eventId: 'evt_0198f0a2b3c4700080000000000e0001',
  sequence: 700001,
  type: 'segment.entered',
  at: '2026-03-03T08:15:00.000Z',
  memberId: 'mem_0198f0a2b3c4700080000000000a0001',
  data: { segment: 'lapsing' },
}

const Event = z
  .strictObject({
    eventId: id('evt', 'the event; it never changes, however often the event is read'),
    sequence: z.int().meta({
      description:
        'Grows from event to event of one member, not without gaps. Should two of them come in another order, ' +
        'because two processes wrote at once, this is the true one',
      examples: [700001],
    }),
    type: z.string().meta({ examples: ['transaction.earned', 'tier.changed', 'campaign.message'] }),
    at: shownInstant,
    memberId: id('mem', 'the member').nullable(),
    data: z.record(z.string(), z.unknown()).meta({ examples: [{ segment: 'lapsing' }] }),
  })
  .meta({ id: 'Event', examples: [example] })

const Events = z
  .strictObject({
    items: z.array(Event),
    nextCursor: z
      .string()
      .nullable()
      .meta({
        description:
          '`after` of the next page; null: these were the last ones for now. With `type` a page may have fewer items ' +
          'than `limit`, or none, and a next one all the same: 100000 events are looked at for one page',
        examples: [null],
      }),
    position: z
      .string()
      .nullable()
      .meta({
        description:
          'Where this reading ended: `after` of the next reading, also where it found nothing of the types asked for',
        examples: ['AAAAAAAAAvIBmPCis8RwAIAAAAAADgAB'],
      }),
  })
  .meta({
    id: 'Events',
    examples: [{ items: [example], nextCursor: null, position: 'AAAAAAAAAvIBmPCis8RwAIAAAAAADgAB' }],
  })

const query = z.strictObject({
  after: text(100)
    .optional()
    .meta({
      description: 'An `eventId`, `nextCursor` or `position`; from the beginning where it is left out',
      examples: ['evt_0198f0a2b3c4700080000000000e0001'],
    }),
  type: z
    .string()
    .regex(
      /^[A-Za-z_.]{1,60}(,[A-Za-z_.]{1,60}){0,19}$/,
      `is not a list of at most ${MOST_TYPES} types with commas`,
    )
    .optional()
    .meta({
      description: 'Only events of this type, or of these, with commas between',
      examples: ['segment.entered,segment.left'],
    }),
  limit: paging.limit,
})

export function eventRoutes(app: App, { sql }: RouteDeps): void {
  const schema = {
    operationId: 'listEvents',
    tags: ['events'],
    summary: 'What happened, in order',
    description:
      'Every event of the program, oldest first. Give the last `eventId` (or `position`) as `after` the next time: ' +
      'nothing is skipped, also of what several processes write at once; an event is shown a moment after its commit, ' +
      'once nothing before it is still being written. Events are kept for MILEPOST_EVENT_DAYS days (90).',
    querystring: query,
    response: replies({ 200: { description: 'A page of events', schema: Events } }, ['invalid_cursor']),
  }
  app.get('/events', { schema, config: scope('members:read') }, async (request) => {
    const { after, type, limit } = request.query
    const { program } = callerOf(request)
    const from = after === undefined ? BEGINNING : await placeAfter(sql, program, after)
    const types = type === undefined ? null : [...new Set(type.split(','))]
    const { events, end, isAll } = await readEvents(sql, { program, after: from, types, limit })
    const position = end === BEGINNING ? null : showPlace(end)
    return { items: events.map(wireEvent), nextCursor: isAll ? null : position, position }
  })
}
