/**
 * Every reason for which the ledger refuses a command, asked for over HTTP: the reply names it, and the ledger is
 * untouched. Of all tables nothing changes, the command log included: only what is done is logged, so a refused
 * request may be sent again under its key. (Refusing locks the member, which moves `members.version` and
 * `members.latest_at` on: they stand for the lock and for how far business time has come, and are left out.)
 */
import t from 'tap'
import { type ErrorCode, errorCodes } from '../../src/base/errors.ts'
import { createKey, scopes } from '../../src/engine/keys.ts'
import { publish } from '../../src/engine/publish.ts'
import { sale, shopRules, startService } from './front.ts'

t.setTimeout(600_000)

const RULES = `${shopRules}
transactions:
  purchase: {}
  order: {}
  flight: { fields: { ticket: text }, claimWithin: 10 days, unique: [ticket] }
`
  .replace(
    'stars: { pending: 14 days }',
    'stars: { pending: 14 days }\n  gems: { pending: "until confirmed, cancel after 5 days" }',
  )
  .replace('earn:\n', 'earn:\n  - { id: gems, on: order, award: 1 gem per 1 EUR of net }\n')

/** What the door refuses before there is a command, what only rules and reports know, and the service's own troubles. */
const NOT_OF_THE_LEDGER: readonly ErrorCode[] = [
  ...(['payload_too_large', 'unsupported_media_type', 'route_not_found', 'unauthenticated'] as const),
  ...([
    'forbidden',
    'rate_limited',
    'invalid_cursor',
    'program_not_found',
    'rules_version_not_found',
  ] as const),
  ...(['rules_version_begun', 'simulation_running', 'rules_invalid'] as const),
  ...(['retention_not_declared', 'segment_not_found', 'experiment_not_found', 'arm_not_found'] as const),
  ...(['database_unavailable', 'rules_unreadable', 'internal_error'] as const),
]

const nobody = `mem_${'0'.repeat(32)}`
const nothing = '0'.repeat(32)
const now = '2026-03-03T10:00:00Z'

t.test('each row: the reason, and the request that is refused for it', async (t) => {
  const service = await startService(t, { rules: RULES })
  const { engine, ask, member, foreignKey } = service
  const done = async (path: string, body: object): Promise<Record<string, string>> => {
    const answer = await ask('POST', `/v1${path}`, { body })
    if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`)
    return answer.body
  }

  // Ann shops and pays; bob and cat share a full pool with dan; eve is closed; dup was merged into ann.
  const [ann, bob, cat] = [await member('ann'), await member('bob'), await member('cat')]
  const [dan, eve, dup] = [await member('dan'), await member('eve'), await member('dup')]
  const { transactionId: sold } = await done('/transactions', sale('sold', '200.00', { memberId: ann }))
  const { transactionId: gone } = await done('/transactions', sale('gone', '1.00', { memberId: ann }))
  const { transactionId: loose } = await done('/transactions', sale('loose', '5.00'))
  const { transactionId: ordered } = await done(
    '/transactions',
    sale('order', '5.00', { memberId: bob, type: 'order' }),
  )
  await done(`/transactions/${gone}/returns`, { externalRef: 'all', occurredAt: now, all: true })
  await done(`/transactions/${ordered}/cancel`, { externalRef: 'c', occurredAt: now })
  const flight = (ref: string, ticket: string, occurredAt: string) =>
    sale(ref, '1.00', { memberId: ann, type: 'flight', attributes: { ticket }, occurredAt })
  await done('/transactions', flight('f1', '4711', now))
  const spend = { memberId: ann, currency: 'beans', points: 10 }
  const { redemptionId: spent } = await done('/redemptions', { ...spend, externalRef: 's' })
  const { redemptionId: late } = await done('/redemptions', {
    ...spend,
    externalRef: 'l',
    hold: { seconds: 1 },
  })
  const { redemptionId: held } = await done('/redemptions', {
    ...spend,
    externalRef: 'h',
    hold: { seconds: 600 },
  })
  const { poolId } = await done('/pools', { externalRef: 'p', members: [bob, cat, dan] })
  await done(`/members/${eve}/close`, { externalRef: 'c' })
  await done(`/members/${bob}/merge`, { externalRef: 'm', duplicate: dup })
  await done('/adjustments', {
    externalRef: 'max',
    memberId: cat,
    currency: 'credits',
    points: 2 ** 53 - 1,
    reason: 'r',
  })
  await done(`/members/${cat}/identifiers`, { kind: 'card', value: 'stolen', status: 'active' })
  await done(`/members/${cat}/identifiers`, { kind: 'card', value: 'stolen', status: 'blocked' })
  const { memberId: stranger } = (
    await ask('POST', '/v1/members', { key: foreignKey, body: { externalRef: 's', identifiers: [] } })
  ).body
  const later = new Map([
    [
      'program.yaml',
      'program: later\ntimeZone: UTC\nmoney: EUR\ncurrencies: { points: {} }\nearn:\n  - { id: base, on: purchase, award: 1 point }\n',
    ],
  ])
  await publish(engine.sql, {
    files: later,
    by: 'test',
    now: engine.now(),
    at: new Date('2027-01-01T00:00:00Z'),
  })
  await engine.programs.refresh()
  const { key: laterKey } = await createKey(engine.sql, {
    program: 'later',
    source: 'till',
    scopes,
    now: engine.now(),
  })
  engine.at('2026-03-03T10:01:00Z')

  const future = { occurredAt: '2026-04-01T10:00:00Z' }
  const past = { occurredAt: '2026-01-10T10:00:00Z' }
  const amount = (value: string, currency = 'EUR') => ({
    lines: [{ lineId: '1', quantity: 1, net: { amount: value, currency } }],
  })
  const by = { memberId: ann, reason: 'test' }
  const gift = (to: string, more: object = {}) =>
    [
      '/transfers',
      { from: { memberId: ann }, to: { memberId: to }, currency: 'beans', points: 10, ...more },
    ] as const
  const basket = (more: object) => ['/transactions', sale('x', '1.00', { memberId: ann, ...more })] as const
  const back = (id: string | undefined, lines: object[]) =>
    [`/transactions/${id}/returns`, { occurredAt: '2026-03-03T10:01:00Z', lines }] as const
  const one = { lineId: '1', quantity: 1 }
  const paying = (more: object) => ['/redemptions', { ...spend, ...more }] as const

  // The reason, where it is asked, and with what.
  const rows: [ErrorCode, string, object, { method?: string; key?: string }?][] = [
    ['malformed_request', ...basket({ lines: [], extra: 1 })],
    ['member_not_found', ...basket({ memberId: nobody })],
    ['member_not_found', ...gift(nobody)],
    ['member_not_found', `/members/${ann}/merge`, { duplicate: nobody }],
    ['member_not_found', ...basket({}), { key: foreignKey }],
    [
      'identifier_not_found',
      `/members/${ann}/identifiers`,
      { kind: 'card', value: 'none', status: 'blocked' },
    ],
    ['identifier_taken', '/members', { identifiers: [{ kind: 'card', value: 'ann' }] }],
    ['identifier_taken', `/members/${bob}/identifiers`, { kind: 'card', value: 'ann' }],
    ['identifier_blocked', ...basket({ memberId: undefined, identifier: { kind: 'card', value: 'stolen' } })],
    ['member_not_active', ...basket({ memberId: eve })],
    ['member_not_active', ...paying({ memberId: eve })],
    ['member_not_active', ...gift(eve)],
    ['member_not_active', `/members/${ann}/merge`, { duplicate: dup }],
    ['member_not_closed', `/members/${ann}/reopen`, {}],
    ['points_held', `/members/${ann}/close`, {}],
    ['points_held', `/members/${bob}/merge`, { duplicate: ann }],
    ['same_member', `/members/${ann}/merge`, { duplicate: ann }],
    ['same_member', ...gift(ann)],
    ['not_merged', `/members/${ann}/unmerge`, { duplicate: dup }],
    ['transaction_not_found', ...back(`txn_${nothing}`, [one])],
    ['transaction_not_found', `/transactions/txn_${nothing}/member`, { memberId: ann }],
    ['transaction_attached', `/transactions/${sold}/member`, { memberId: ann }],
    ['transaction_not_attached', ...back(loose, [one])],
    ['transaction_not_attached', `/transactions/${loose}/confirm`, { occurredAt: now }],
    ['transaction_not_pending', `/transactions/${sold}/confirm`, { occurredAt: now }],
    ['transaction_not_pending', `/transactions/${ordered}/confirm`, { occurredAt: now }],
    ['returned_too_much', ...back(sold, [{ ...one, quantity: 2 }])],
    ['returned_too_much', ...back(gone, [one])],
    ['line_not_found', ...back(sold, [{ ...one, lineId: '2' }])],
    ['unknown_transaction_type', ...basket({ type: 'purchace' })],
    ['unknown_fact', ...basket({ attributes: { colour: 'red' } })],
    ['unknown_fact', `/members/${ann}/segments`, { segment: 'none' }],
    ['money_currency_mismatch', ...basket(amount('1.00', 'USD'))],
    ['amount_out_of_range', ...basket(amount('1000000001'))],
    ['date_out_of_range', ...basket(future)],
    ['date_out_of_range', ...paying(future)],
    ['date_out_of_range', `/transactions/${ordered}/confirm`, past],
    ['claim_too_late', ...basket({ type: 'flight', attributes: { ticket: '1' }, ...past })],
    ['already_claimed', ...basket({ type: 'flight', attributes: { ticket: '4711' }, occurredAt: now })],
    ['no_rules_in_force', '/members', { identifiers: [] }, { key: laterKey }],
    ['redemption_not_found', `/redemptions/rdm_${nothing}/capture`, {}],
    ['redemption_not_held', `/redemptions/${spent}/capture`, {}],
    ['redemption_not_held', `/redemptions/${spent}/release`, {}],
    ['redemption_not_captured', `/redemptions/${held}/reverse`, {}],
    ['hold_expired', `/redemptions/${late}/capture`, {}],
    ['above_maximum', `/redemptions/${held}/capture`, { points: 11 }],
    ['below_minimum', ...paying({ points: 5 })],
    ['not_a_step', ...paying({ points: 12 })],
    ['insufficient_points', ...paying({ points: 10_000 })],
    ['insufficient_points', ...paying({ memberId: bob, usePool: true })],
    ['insufficient_points', '/adjustments', { ...by, currency: 'beans', points: -10_000 }],
    ['insufficient_points', ...gift(bob, { points: 10_000 })],
    ['unknown_currency', ...paying({ currency: 'baens' })],
    ['currency_not_redeemable', ...paying({ currency: 'credits' })],
    ['reward_not_found', ...paying({ currency: undefined, points: undefined, rewardId: 'nothing' })],
    ['reward_unavailable', ...paying({ currency: undefined, points: undefined, rewardId: 'lounge' })],
    ['points_out_of_range', '/adjustments', { ...by, memberId: cat, currency: 'credits', points: 1 }],
    ['transfer_not_allowed', ...gift(bob, { currency: 'stars' })],
    ['below_minimum', ...gift(bob, { points: 9 })],
    ['pool_not_found', `/pools/pol_${nothing}/members`, { memberId: ann }],
    ['already_in_pool', `/pools/${poolId}/members`, { memberId: bob }],
    ['not_in_pool', ...paying({ usePool: true })],
    ['not_in_pool', `/pools/${poolId}/members/${ann}`, {}, { method: 'DELETE' }],
    ['limit_reached', `/pools/${poolId}/members`, { memberId: ann }],
    ['pools_not_allowed', '/pools', { members: [stranger] }, { key: foreignKey }],
    ['tier_not_found', `/members/${ann}/tier`, { tier: 'platinum', reason: 'test' }],
    ['promotion_not_found', `/members/${ann}/registrations`, { promotion: 'none' }],
    ['no_open_complaint', `/members/${ann}/feedback`, { kind: 'resolved', occurredAt: now }],
    ['idempotency_conflict', '/transactions', sale('sold', '1.00', { memberId: ann })],
  ]
  const before = await engine.checksum()
  const told = new Set<string>()
  for (const [index, [code, path, body, { method = 'POST', key } = {}]] of rows.entries()) {
    const externalRef = code === 'idempotency_conflict' ? 'sold' : `refused-${index}`
    const sent =
      method === 'DELETE' ? {} : { body: { ...body, externalRef: withRef(path) ? externalRef : undefined } }
    const answer = await ask(method, `/v1${path}`, { ...(key && { key }), ...sent })
    t.equal(answer.body?.code, code, `${code}: ${method} ${path} ${answer.text.slice(0, 200)}`)
    t.equal(await engine.checksum(), before, `${code}: nothing is written`)
    told.add(code)
  }

  const small = await startService(t, { queueLimit: 0 })
  const untouched = await small.engine.checksum()
  const refused = await small.post('/v1/members', { externalRef: 'm', identifiers: [] })
  t.match(refused.body, { code: 'queue_full' })
  t.equal(await small.engine.checksum(), untouched)
  told.add('queue_full')
  t.strictSame(
    errorCodes.filter((code) => !told.has(code)).sort(),
    [...NOT_OF_THE_LEDGER].sort(),
    'every code of the closed list is here, or not the ledger’s',
  )
  t.same(await engine.findings(), [])
})

/** Identifiers are told apart by themselves. */
function withRef(path: string): boolean {
  return !path.endsWith('/identifiers')
}
