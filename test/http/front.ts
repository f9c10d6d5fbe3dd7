/** The whole service on a database of its own, asked through its front door, every reply checked strictly. */
import type { FastifyInstance } from 'fastify'
import { createKey, type Scope, scopes } from '../../src/engine/keys.ts'
import { publish } from '../../src/engine/publish.ts'
import { type AppDeps, buildApp } from '../../src/http/app.ts'
import { type Engine, startEngine } from '../support/engine.ts'

/** Every feature that a route shows: pending points, expiry, tiers, rewards, limits of a redemption. */
export const shopRules = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  beans:
    value: 0.05 EUR
    expires: 12 months, end of month
    redeem: { minimum: 10 beans, step: 5 beans }
  stars: { pending: 14 days }
  credits: { kind: qualifying }
members:
  attributes: { birthYear?: integer }
earn:
  - id: base
    on: purchase
    award: 1 bean per 1 EUR of net
  - id: tuesday
    on: purchase
    when: { weekday: tuesday }
    award: 5 beans
  - id: starry
    on: purchase
    when: { channel: web }
    award: 3 stars
  - id: status
    on: purchase
    award: 1 credit per 1 EUR of net
tiers:
  period: calendar year
  validity: end of next period
  downgrade: one step
  ladder:
    - { id: base }
    - { id: silver, reach: { credits: 100 } }
    - { id: gold, reach: { credits: 500 } }
rewards:
  - { id: espresso, name: An espresso, costs: 40 beans }
  - { id: lounge, name: The lounge, costs: 20 beans, tier: gold }
transfers:
  beans: { minimum: 10 beans }
pools: { members: 3 }
`

const otherRules = `
program: other
timeZone: Europe/Berlin
currencies:
  points: { value: 0.01 EUR }
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
`

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | number | string[] | undefined>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a JSON document of any shape, looked into by the tests
  readonly body: any
}

export interface Ask {
  readonly key?: string | null
  readonly headers?: Record<string, string>
  /** sent as it is; an object is sent as JSON */
  readonly body?: object | string | Buffer
}

export interface Service {
  readonly engine: Engine
  readonly app: FastifyInstance
  /** of program shop, source till, every scope */
  readonly key: string
  /** of program other */
  readonly foreignKey: string
  keyFor(scopes: readonly Scope[], source?: string): Promise<string>
  ask(method: string, path: string, ask?: Ask): Promise<Answer>
  get(path: string, ask?: Ask): Promise<Answer>
  post(path: string, body?: Ask['body'], ask?: Ask): Promise<Answer>
  /** enrols a member with a card; the member's id */
  member(card: string): Promise<string>
}

export async function startService(
  test: Parameters<typeof startEngine>[0],
  {
    queueLimit = 10_000,
    rules = shopRules,
    ...options
  }: Partial<AppDeps> & { queueLimit?: number; rules?: string } = {},
): Promise<Service> {
  const engine = await startEngine(test, rules, { queueLimit })
  const { sql, lane, programs } = engine
  const now = new Date('2026-01-01T00:00:00Z')
  await publish(sql, { files: new Map([['program.yaml', otherRules]]), by: 'test', now })
  await programs.refresh()
  const keyFor = async (allowed: readonly Scope[], source = 'till') =>
    (await createKey(sql, { program: 'shop', source, scopes: allowed, now })).key
  const key = await keyFor(scopes)
  const foreign = await createKey(sql, { program: 'other', source: 'till', scopes, now })
  const app = await buildApp({
    sql,
    lane,
    programs,
    now: engine.now,
    logLevel: 'error',
    rateLimitPerMinute: 100_000,
    // a machine that is busy with other tests is no matter here
    mostLoopDelay: 60_000,
    strictReplies: true,
    ...options,
  })
  test.teardown(() => app.close())

  const ask: Service['ask'] = async (method, path, given = {}) => {
    const bearer = given.key === undefined ? key : given.key
    const { body } = given
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body)
    const response = await app.inject({
      method: method as 'GET',
      url: path,
      headers: {
        ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...given.headers,
      },
      ...(body !== undefined && { payload: isJson ? JSON.stringify(body) : body }),
    })
    const type = String(response.headers['content-type'] ?? '')
    const text = response.body
    const parsed = /json/.test(type) && text !== '' ? JSON.parse(text) : null
    return { status: response.statusCode, headers: response.headers, text, body: parsed }
  }
  const post: Service['post'] = (path, body, given) =>
    ask('POST', path, { ...given, ...(body !== undefined && { body }) })
  return {
    engine,
    app,
    key,
    foreignKey: foreign.key,
    keyFor,
    ask,
    get: (path, given) => ask('GET', path, given),
    post,
    async member(card) {
      const identifiers = [{ kind: 'card', value: card }]
      const enrolledAt = '2026-01-15T09:00:00Z'
      const { body } = await post('/v1/members', { externalRef: `crm-${card}`, identifiers, enrolledAt })
      return body.memberId
    },
  }
}

/** A basket of one line. */
export function sale(externalRef: string, amount: string, more: object = {}): object {
  return {
    externalRef,
    type: 'purchase',
    occurredAt: '2026-03-02T10:00:00+01:00',
    lines: [{ lineId: '1', quantity: 1, net: { amount, currency: 'EUR' } }],
    ...more,
  }
}
