/** The seven views of the analyst, as numbers and as pictures. They read the whole program, few at a time. */
import { z } from 'zod'
import { pictureOfView } from '../retention/chart.ts'
import { sharesOf } from '../retention/holdout.ts'
import { viewNames } from '../retention/view.ts'
import { viewOf } from '../retention/views.ts'
import { callerOf, scope } from './auth.ts'
import { limited } from './reports.ts'
import { type App, type RouteDeps, replies } from './route.ts'
import { askedInstant } from './schemas.ts'

/** More would take the database away from the tills. */
const MOST_AT_ONCE = 2

const unit = z.enum(['members', 'share', 'money', 'days', 'count', 'date', 'points'])
const cell = z.union([z.string(), z.number(), z.null()])

const example = {
  view: 'persistency' as const,
  program: 'corner-coffee',
  money: 'EUR',
  asOf: '2026-03-31',
  note: null,
  figures: [{ name: 'bought in the month after the first', value: 0.42, unit: 'share' as const }],
  tables: [
    {
      title: 'Share of the members who bought in the months after their first purchase',
      columns: ['first purchase in', 'members', 'month 1'],
      rows: [['2026-01', 120, 0.42]],
    },
  ],
  charts: [
    {
      kind: 'lines' as const,
      title: 'Who bought in the months after the first purchase',
      along: 'months after the first purchase',
      measure: 'share of the members',
      unit: 'share' as const,
      steps: ['1'],
      series: [{ name: 'Jan 2026', values: [0.42] }],
    },
  ],
}

const View = z
  .strictObject({
    view: z.enum(viewNames),
    program: z.string(),
    money: z.string(),
    asOf: z.iso.date(),
    note: z.string().nullable().meta({ description: 'What is missing, where there is too little to go by' }),
    figures: z.array(z.strictObject({ name: z.string(), value: cell, unit })),
    tables: z.array(
      z.strictObject({ title: z.string(), columns: z.array(z.string()), rows: z.array(z.array(cell)) }),
    ),
    charts: z.array(
      z.strictObject({
        kind: z.enum(['bars', 'lines']),
        title: z.string(),
        along: z.string(),
        measure: z.string(),
        unit,
        steps: z.array(z.string()),
        series: z.array(z.strictObject({ name: z.string(), values: z.array(z.number().nullable()) })),
      }),
    ),
  })
  .meta({
    id: 'View',
    description: 'Money as decimal texts, shares from 0 to 1; null: not known',
    examples: [example],
  })

const params = z.strictObject({ name: z.enum(viewNames).meta({ examples: ['persistency'] }) })

export function viewsRoutes(app: App, { sql, programs, now }: RouteDeps): void {
  const tags = ['retention']
  const inTurn = limited(MOST_AT_ONCE)
  const querystring = z.strictObject({ at: askedInstant })
  const read = (
    request: { params: { name: (typeof viewNames)[number] }; query: { at?: string | undefined } },
    id: string,
  ) => {
    const at = request.query.at === undefined ? now() : new Date(request.query.at)
    const program = programs.at(id, at)
    return inTurn(() =>
      viewOf(sql, request.params.name, { program, at, shareAt: sharesOf(programs, program) }),
    )
  }
  const common = { tags, params, querystring }
  const codes = ['no_rules_in_force', 'program_not_found'] as const

  const picture = {
    operationId: 'drawView',
    ...common,
    summary: 'One of the seven views as a picture',
    description: 'An SVG that stands by itself.',
    response: asSvg(replies({ 200: { description: 'The picture', schema: z.string() } }, codes)),
  }
  app.get(
    '/retention/views/:name.svg',
    { schema: picture, config: scope('retention:read') },
    async (request, reply) => {
      const view = await read(request, callerOf(request).program)
      return reply.type('image/svg+xml; charset=utf-8').send(pictureOfView(view))
    },
  )

  const numbers = {
    operationId: 'readView',
    ...common,
    summary: 'One of the seven views',
    description:
      'Profiling, persistency, profitability, performance, prospecting, product, promotion: out of the ledger, the ' +
      'transactions and the last run of scores, as figures, tables and what a chart of them shows.',
    response: replies({ 200: { description: 'The view', schema: View } }, codes),
  }
  app.get('/retention/views/:name', { schema: numbers, config: scope('retention:read') }, (request) =>
    read(request, callerOf(request).program),
  )
}

function asSvg(response: Record<string, unknown>): Record<string, unknown> {
  const good = response['200'] as { description: string }
  const schema = z.string().meta({ examples: ['<svg xmlns="http://www.w3.org/2000/svg" …'] })
  return { ...response, 200: { description: good.description, content: { 'image/svg+xml': { schema } } } }
}
