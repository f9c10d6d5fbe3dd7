/**
 * The OpenAPI 3.1 document, made of the schemas that validate, and the page that shows it without asking
 * any other host. What zod says more than the document needs is left out here.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { packageRoot } from '../db/package-root.ts'
import { STORABLE } from './schemas.ts'

type Json = Record<string, unknown>

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }

const config = {
  zodToJsonConfig: {
    override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Json }) {
      // Their patterns are a page long each and say no more than the format does.
      if (jsonSchema.format === 'date-time' || jsonSchema.format === 'date') delete jsonSchema.pattern
      // What cannot be stored as text is refused, but no reader's pattern language says it alike.
      if (jsonSchema.pattern === STORABLE.source) delete jsonSchema.pattern
      // A map's keys are text in any case.
      if (zodSchema._zod.def.type === 'record') tidyKeys(jsonSchema)
    },
  },
}

const SCHEMAS = '#/components/schemas/'

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Takes the place of externalRef where the body has none.',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
  example: '5f0c1a52-6a1d-4d1c-9a43-2f1f7e7b9d10',
}

const limit = { schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 }, example: 50 }

const tags = {
  members: 'Enrolling, changing and finding members',
  balances: 'What a member has, how it came to be, and the tier',
  transactions: 'What earns: sales, flights, stays; and their returns',
  redemptions: 'Spending points, at once or held first',
  rewards: 'What can be had for points',
  transfers: 'Points from one member to another',
  pools: 'Households whose points may pay together',
  adjustments: 'Corrections by hand',
  reports: 'What is owed and deferred, and what happened day by day',
  events: 'What happened, in order',
  retention: 'Who is slipping away, why, and whether what was done helped',
  rules: 'The rule files: in force, checked, published',
  operations: 'Health, metrics',
}

export async function registerDocument(app: FastifyInstance): Promise<void> {
  const keyedPaths = new Set<string>()
  app.addHook('onRoute', ({ url, method, config: of }) => {
    if (!of?.keyed) return
    for (const one of [method].flat())
      keyedPaths.add(`${one.toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}')}`)
  })
  const whole = createJsonSchemaTransformObject(config)
  const openapi: FastifyDynamicSwaggerOptions['openapi'] = {
    openapi: '3.1.0',
    info: {
      title: 'Milepost',
      version,
      description:
        'Loyalty and points. Every write is safe to send again: the same `externalRef` gets the recorded answer, with the header `Idempotent-Replayed: true`. Failures are `application/problem+json` with a `code` of a closed list.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `mp_` and 43 characters' },
      },
    },
  }
  await app.register(swagger, {
    openapi,
    transform: createJsonSchemaTransform(config),
    transformObject: (made) => tidy(whole(made) as Json, keyedPaths),
  })
}

/** `/openapi.json`, and `/docs` under the app's own content security policy. */
export async function serveDocument(app: FastifyInstance): Promise<void> {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Milepost API' },
    uiConfig: { validatorUrl: null, docExpansion: 'list', deepLinking: true },
  })
}

function tidy(document: Json, keyedPaths: ReadonlySet<string>): Json {
  const components = document.components as { schemas: Record<string, Json> }
  const operations = Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  for (const { path, method, operation } of operations) {
    const parameters = (operation.parameters as Json[] | undefined) ?? []
    // It comes as text, like all of a query, but is a number to whoever sends it.
    for (const one of parameters) if (one.name === 'limit') Object.assign(one, limit)
    if (keyedPaths.has(`${method} ${path}`)) operation.parameters = [...parameters, idempotencyKey]
  }
  // Validated one by one, so the schema that validates does not say what they are.
  const batch = components.schemas.BatchInput?.properties as Record<string, Json> | undefined
  if (batch?.transactions) batch.transactions.items = { $ref: `${SCHEMAS}BatchItemInput` }

  const asked = reachable(
    components.schemas,
    operations.map(({ operation }) => operation.requestBody),
  )
  const told = reachable(
    components.schemas,
    operations.map(({ operation }) => operation.responses),
  )
  for (const [name, schema] of Object.entries(components.schemas)) {
    if (!asked.has(name) && !told.has(name)) delete components.schemas[name]
    // Requests are strict; answers may gain fields, so readers must not refuse them.
    else if (!asked.has(name)) openUp(schema)
  }
  for (const { operation } of operations) openUp(operation.responses)
  nameInputs(document, components.schemas)
  return document
}

/**
 * Schemas of requests come as `NewMemberInput`, so as not to be mixed up with what is answered; where
 * nothing is answered under that name, the plain name is free.
 */
function nameInputs(document: Json, schemas: Record<string, Json>): void {
  const renamed = new Map<string, string>()
  for (const name of Object.keys(schemas)) {
    const plain = name.replace(/Input$/, '')
    if (plain === name || schemas[plain]) continue
    renamed.set(`${SCHEMAS}${name}`, `${SCHEMAS}${plain}`)
    schemas[plain] = schemas[name]!
    delete schemas[name]
  }
  const walk = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return
    const holder = node as Json
    const target = renamed.get(String(holder.$ref))
    if (target) holder.$ref = target
    for (const child of Object.values(node)) walk(child)
  }
  walk(document)
}

function reachable(schemas: Record<string, Json>, roots: unknown[]): Set<string> {
  const found = new Set<string>()
  const walk = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return
    const { $ref } = node as { $ref?: unknown }
    const name = typeof $ref === 'string' ? $ref.split('/').at(-1) : undefined
    if (name !== undefined && !found.has(name)) {
      found.add(name)
      walk(schemas[name])
    }
    for (const child of Object.values(node)) walk(child)
  }
  for (const root of roots) walk(root)
  return found
}

function openUp(node: unknown): void {
  if (node === null || typeof node !== 'object') return
  if ((node as Json).additionalProperties === false) delete (node as Json).additionalProperties
  for (const child of Object.values(node)) openUp(child)
}

function tidyKeys(jsonSchema: Json): void {
  const names = jsonSchema.propertyNames as Json | undefined
  if (names && Object.keys(names).length === 1 && names.type === 'string') delete jsonSchema.propertyNames
}
