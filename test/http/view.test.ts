/** The whole picture of a member and the seven views, through the front door: figures that the ledger has too. */
import t from 'tap'
import { runProducts } from '../../src/retention/product-run.ts'
import { runValues } from '../../src/retention/value-run.ts'
import { viewNames } from '../../src/retention/view.ts'
import { sale, startService } from './front.ts'

// a machine that is busy with other tests is no matter here
t.setTimeout(600_000)

function basket(ref: string, memberId: string, ...skus: string[]): object {
  const lines = skus.map((sku, index) => ({
    ...{ lineId: String(index + 1), sku, quantity: 2 },
    net: { amount: '20.00', currency: 'EUR' },
  }))
  return sale(ref, '1.00', { memberId, lines })
}

t.test('all views of a program without anybody, and with one member, tell what is missing', async (t) => {
  const { get, post, member, foreignKey } = await startService(t)
  for (const round of ['nobody', 'one member', 'one purchase']) {
    if (round === 'one member') await member('ann')
    if (round === 'one purchase') await post('/v1/transactions', basket('s', await member('bob'), 'TEA'))
    for (const name of viewNames) {
      const { status, body } = await get(`/v1/retention/views/${name}`)
      t.equal(status, 200, `${round}: ${name}`)
      t.notMatch(JSON.stringify(body), /NaN|Infinity/)
      if (round !== 'one purchase' && name !== 'performance') t.type(body.note, 'string', name)
      const picture = await get(`/v1/retention/views/${name}.svg`)
      t.match(picture, { status: 200, headers: { 'content-type': 'image/svg+xml; charset=utf-8' } })
      t.ok(picture.text.startsWith('<svg ') && picture.text.endsWith('</svg>\n'))
      t.notMatch(picture.text, /NaN|Infinity|undefined/)
    }
  }
  t.match(await get('/v1/retention/views/profit'), { status: 400, body: { detail: /^the path at \/name: / } })
  const { body } = await get('/v1/retention/views/profiling', { key: foreignKey })
  t.match(body, { program: 'other', figures: [{ value: 0 }] })
})

t.test('the picture of a member: offers, value by the ledger, voice', async (t) => {
  const { engine, get, post, member } = await startService(t)
  const people = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((card) => member(card)))
  const [ann = ''] = people
  for (const [n, id] of people.entries()) {
    const bought = n === 0 ? ['TEA'] : n < 4 ? ['TEA', 'CUP'] : ['JAM']
    t.match(await post('/v1/transactions', basket(`s${n}`, id, ...bought)), { status: 201 })
  }
  const program = engine.programs.at('shop', engine.now())
  await runProducts(engine.sql, program, { at: engine.now() })
  await runValues(engine.sql, program, { at: engine.now() })

  const first = (await get(`/v1/members/${ann}/view`)).body
  t.match(first.offers.nextProducts[0], { product: 'CUP', because: 'TEA', score: 1 })
  t.notOk(first.offers.nextProducts.some(({ product }: { product: string }) => product === 'TEA'))
  t.match(first.value, {
    // 20 EUR at 30 % less 20 beans of 0.05 EUR; nothing redeemed
    brought: { netSpend: { amount: '20.00' }, pointsCost: { amount: '1.00' }, profit: { amount: '5.00' } },
    delivered: { total: { amount: '0.00' } },
    toDate: { purchases: 1 },
  })
  t.match(first, { retention: null, activity: [{ kind: 'transaction', net: { amount: '20.00' } }] })
  const { body: balance } = await get(`/v1/members/${ann}/balance`)
  t.same(first.balances, balance.currencies)

  // Points redeemed are delivered value; half of the sale going back takes half of everything.
  await post('/v1/redemptions', { externalRef: 'r', memberId: ann, currency: 'beans', points: 10 })
  const [sold] = first.activity
  await post(`/v1/transactions/${sold.id}/returns`, {
    ...{ externalRef: 'b', occurredAt: '2026-03-02T11:00:00+01:00', lines: [{ lineId: '1', quantity: 1 }] },
  })
  await post(`/v1/members/${ann}/feedback`, { externalRef: 'c', kind: 'complaint' })
  const second = (await get(`/v1/members/${ann}/view`)).body
  t.match(second.value, {
    brought: { netSpend: { amount: '10.00' }, pointsCost: { amount: '0.50' }, profit: { amount: '2.50' } },
    delivered: { redeemed: { amount: '0.50' }, total: { amount: '0.50' } },
  })
  t.match(second, { voice: { openComplaints: 1 }, reasons: [{ code: 'open_complaint' }] })
  t.match(second.rewards[0], { rewardId: 'espresso', available: false, missing: 40 })
})

t.test('offers respect consents; the view is for who may read members', async (t) => {
  const { get, post, member, ask, keyFor, foreignKey } = await startService(t)
  const ann = await member('ann')
  await post('/v1/transactions', basket('s', ann, 'TEA'))
  const path = `/v1/members/${ann}/view`
  await ask('PATCH', `/v1/members/${ann}`, { body: { consents: { marketing: false } } })
  t.match((await get(path)).body.offers, {
    withheld: 'no_consent',
    nextProducts: [],
    rewards: [],
    campaigns: [],
  })
  await ask('PATCH', `/v1/members/${ann}`, { body: { consents: { marketing: true, profiling: false } } })
  t.match((await get(path)).body.offers, { withheld: null, nextProducts: [], again: [] })
  t.match(await get(path, { key: foreignKey }), { status: 404, body: { code: 'member_not_found' } })
  t.match(await get(path, { key: await keyFor(['rules:read']) }), { status: 403 })
  t.match(await get('/v1/retention/views/product', { key: await keyFor(['members:read']) }), { status: 403 })
})

t.test('a merged duplicate is seen as who answers for it, with what both did', async (t) => {
  const { get, post, member } = await startService(t)
  const [ann, dup] = [await member('ann'), await member('dup')]
  await post('/v1/transactions', basket('s1', ann, 'TEA'))
  await post('/v1/transactions', basket('s2', dup, 'CUP'))
  await post(`/v1/members/${ann}/merge`, { externalRef: 'm', duplicate: dup })
  const { body } = await get(`/v1/members/${dup}/view`)
  t.match(body, { memberId: ann, value: { toDate: { netSpend: { amount: '40.00' }, purchases: 2 } } })
  t.equal(body.activity.length, 2)
})

t.test('what the views sum up is what the books say', async (t) => {
  const { get, post, member, engine } = await startService(t)
  const ids = await Promise.all(['a', 'b', 'c'].map((card) => member(card)))
  for (const [n, memberId] of ids.entries()) {
    for (let k = 0; k <= n; k += 1)
      await post('/v1/transactions', basket(`s${n}${k}`, memberId, 'TEA', 'CUP'))
  }
  const promotion = (await get('/v1/retention/views/promotion')).body
  const [given] = promotion.tables
  const [ledger] = await engine.sql<{ points: string }[]>`
    select sum(points)::text as points from postings where from_account = 'issued' and currency = 'beans'`
  const beans = given.rows.filter(([, currency]: string[]) => currency === 'beans')
  t.equal(
    beans.reduce((sum: number, row: number[]) => sum + row[2]!, 0),
    Number(ledger?.points),
  )
  const { body } = await get('/v1/retention/views/profitability')
  const figure = (name: string) => body.figures.find((one: { name: string }) => one.name === name)?.value
  // six sales of 40 EUR
  t.equal(figure('net spend'), '240.00')
  t.equal(figure('profit'), (72 - Number(ledger?.points) * 0.05).toFixed(2))
})
