/** The OpenAPI document says all that the service does, and the service does all that it says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../../src/db/package-root.ts'
import { openapiDocument } from '../../src/http/openapi.ts'

interface Operation {
  operationId?: string
  summary?: string
  description?: string
  tags?: string[]
  security?: object[]
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> }
  parameters?: { name: string; in: string; example?: unknown; schema: { examples?: unknown[] } }[]
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema: { $ref?: string; examples?: unknown[] } }> }
  >
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { examples?: unknown[]; additionalProperties?: unknown }> }
}

const document = (await openapiDocument()) as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
)
const schemaOf = ($ref = '') => document.components.schemas[$ref.split('/').at(-1) ?? '']

t.test('every operation has a name of its own, words, and examples', (t) => {
  const names = new Set<string>()
  for (const { name, operation } of operations) {
    t.match(operation.operationId, /^[a-z][A-Za-z]+$/, name)
    names.add(operation.operationId ?? '')
    t.ok(operation.summary && operation.description && operation.tags?.length === 1, name)
    const asked = operation.requestBody?.content['application/json']?.schema
    if (asked) t.ok(schemaOf(asked.$ref)?.examples?.length, `${name}: an example of its body`)
    for (const parameter of operation.parameters ?? []) {
      t.ok(parameter.example ?? parameter.schema.examples?.length, `${name}: an example of ${parameter.name}`)
    }
    const good = Object.entries(operation.responses).filter(([status]) => status < '300')
    t.equal(good.length, 1, name)
    // a picture is described where it stands
    const [answered] = Object.values(good[0]?.[1].content ?? {})
    const { schema } = answered ?? {}
    t.ok((schemaOf(schema?.$ref) ?? schema)?.examples?.length, `${name}: an example of its answer`)
  }
  t.equal(names.size, operations.length)
  t.end()
})

t.test('failures are problems, and the API is behind a key', (t) => {
  for (const { name, path, operation } of operations) {
    const isApi = path.startsWith('/v1/')
    t.equal(operation.security === undefined, isApi, `${name}: open only outside of /v1`)
    const statuses = Object.keys(operation.responses)
    for (const status of isApi ? ['400', '401', '403', '429', '500', '503'] : []) {
      t.ok(statuses.includes(status), `${name}: ${status}`)
    }
    for (const status of isApi ? statuses.filter((one) => one >= '400') : []) {
      t.ok(operation.responses[status]?.content?.['application/problem+json'], `${name}: ${status}`)
    }
  }
  t.end()
})

t.test('requests are strict, answers may gain fields', (t) => {
  const asked = operations.flatMap(
    ({ operation }) => operation.requestBody?.content['application/json'] ?? [],
  )
  for (const { schema } of asked) {
    t.equal(schemaOf(schema.$ref)?.additionalProperties, false, `${schema.$ref}`)
  }
  for (const name of ['EarnedTransaction', 'MemberBalance', 'Problem']) {
    t.equal(document.components.schemas[name]?.additionalProperties, undefined, name)
  }
  t.end()
})

t.test('writes by a header’s key say so', (t) => {
  const keyed = operations.filter(({ operation }) =>
    operation.parameters?.some((parameter) => parameter.name === 'Idempotency-Key'),
  )
  t.strictSame(keyed.map(({ operation }) => operation.operationId).sort(), [
    'addIdentifier',
    'adjust',
    'attachTransaction',
    'cancelTransaction',
    'captureRedemption',
    'changeMember',
    'changeSegment',
    'closeMember',
    'confirmTransaction',
    'createPool',
    'decideTier',
    'enrolMember',
    'eraseMember',
    'giveFeedback',
    'joinPool',
    'leavePool',
    'mergeMembers',
    'postTransaction',
    'redeem',
    'refer',
    'registerForPromotion',
    'releaseRedemption',
    'removeIdentifier',
    'reopenMember',
    'returnTransaction',
    'reverseRedemption',
    'transferPoints',
    'unmergeMembers',
  ])
  t.end()
})

t.test('the committed document is this one: npm run openapi renews it', (t) => {
  const committed = readFileSync(join(packageRoot, 'openapi/openapi.json'), 'utf8')
  t.equal(committed, `${JSON.stringify(document, null, 2)}\n`)
  t.end()
})
