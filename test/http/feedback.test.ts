/** Feedback through the front door: taken once, told newest first, its own members only. */
import t from 'tap'
import { sale, startService } from './front.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

t.test('a complaint, a score and what resolved it', async (t) => {
  const { post, get, member, foreignKey } = await startService(t)
  const ann = await member('ann')
  const path = `/v1/members/${ann}/feedback`
  const { body: sold } = await post('/v1/transactions', sale('s1', '10.00', { memberId: ann }))
  const complaint = {
    externalRef: 'desk/1',
    kind: 'complaint',
    transactionId: sold.transactionId,
    text: 'The cup was broken.',
    occurredAt: '2026-03-02T12:00:00+01:00',
  }
  const first = await post(path, complaint)
  t.match(first, { status: 201, body: { kind: 'complaint', open: true, transactionId: sold.transactionId } })
  const again = await post(path, complaint)
  t.equal(again.text, first.text)
  t.equal(again.headers['idempotent-replayed'], 'true')
  t.match(await post(path, { ...complaint, text: 'else' }), {
    status: 422,
    body: { code: 'idempotency_conflict' },
  })

  t.match(await post(path, { externalRef: 'n/1', kind: 'satisfaction', score: 2 }), {
    status: 201,
    body: { score: 2 },
  })
  const done = await post(path, { externalRef: 'desk/1', kind: 'resolved' })
  t.match(done, { status: 201, body: { resolves: first.body.feedbackId, transactionId: sold.transactionId } })

  const { body: list } = await get(path)
  t.same(
    list.items.map((item: { kind: string; open: boolean }) => [item.kind, item.open]),
    [
      ['resolved', false],
      ['satisfaction', false],
      ['complaint', false],
    ],
  )
  const { body: one } = await get(`${path}?limit=1`)
  const { body: next } = await get(`${path}?limit=2&cursor=${one.nextCursor}`)
  t.same([...one.items, ...next.items], list.items)
  t.equal(next.nextCursor, null)
  t.match(await get(path, { key: foreignKey }), { status: 404, body: { code: 'member_not_found' } })
  t.match(await post(path, complaint, { key: foreignKey }), { status: 404 })
})

t.test('what is refused', async (t) => {
  const { post, get, member, keyFor } = await startService(t)
  const ann = await member('ann')
  const path = `/v1/members/${ann}/feedback`
  const rows = [
    [{ kind: 'satisfaction' }, 400, 'malformed_request'],
    [{ kind: 'satisfaction', score: 6 }, 422, 'unknown_fact'],
    [{ kind: 'satisfaction', score: 2.5 }, 400, 'malformed_request'],
    [{ kind: 'complaint', complaint: 'x' }, 400, 'malformed_request'],
    [{ kind: 'resolved' }, 409, 'no_open_complaint'],
    [{ kind: 'complaint', text: 'x'.repeat(4_001) }, 400, 'malformed_request'],
    [{ kind: 'complaint', transactionId: 'txn_1' }, 404, 'transaction_not_found'],
    [{ kind: 'praise' }, 400, 'malformed_request'],
  ] as const
  for (const [given, status, code] of rows) {
    t.match(
      await post(path, { externalRef: 'f', ...given }),
      { status, body: { code } },
      JSON.stringify(given).slice(0, 60),
    )
  }
  t.match(await get(`${path}?cursor=abc`), { status: 400, body: { code: 'invalid_cursor' } })
  const reader = await keyFor(['members:read'])
  t.match(await post(path, { externalRef: 'f', kind: 'complaint' }, { key: reader }), { status: 403 })
})
