/** Two server processes over one database: what must not double does not. */
import t from 'tap'
import { connect } from '../../src/db/connection.ts'
import { publish } from '../../src/engine/publish.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { RULES } from '../engine/shop.ts'
import { freshDatabase } from '../support/database.ts'
import { freePort, keyFor, post, startService } from '../support/running.ts'

t.setTimeout(600_000)

t.test('two servers race over one database', async (t) => {
  const { sql, url } = await freshDatabase(t)
  await publish(sql, { files: new Map([['program.yaml', RULES]]), by: 'test', now: new Date() })
  const key = await keyFor(url, 'shop')
  const servers = await Promise.all(
    [await freePort(), await freePort()].map((port) => startService({ env: { DATABASE_URL: url }, port })),
  )
  t.teardown(() => Promise.all(servers.map((server) => server.stop())))
  const at = (index: number, path: string) => `${servers[index % 2]!.url}/v1${path}`

  async function enrol(card: string): Promise<string> {
    const { status, text } = await post(at(0, '/members'), key, {
      externalRef: card,
      identifiers: [{ kind: 'card', value: card }],
    })
    t.equal(status, 201)
    return JSON.parse(text).memberId
  }
  const sale = (memberId: string, externalRef: string, amount: string) => ({
    externalRef,
    type: 'purchase',
    memberId,
    occurredAt: new Date().toISOString(),
    lines: [{ lineId: '1', quantity: 1, net: { amount, currency: 'EUR' } }],
  })

  await t.test('50 redemptions of 100 from a balance of 1,000', async (t) => {
    const memberId = await enrol('redeemer')
    t.equal((await post(at(0, '/transactions'), key, sale(memberId, 'charge', '1000.00'))).status, 201)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        post(at(index, '/redemptions'), key, {
          externalRef: `r-${index}`,
          memberId,
          currency: 'points',
          points: 100,
        }),
      ),
    )
    const others = answers.filter(({ status }) => status !== 201 && status !== 422)
    t.same(others, [], 'nobody is sent away')
    t.equal(answers.filter(({ status }) => status === 201).length, 10)
    t.equal(answers.filter(({ status }) => status === 422).length, 40)
    const refused = answers.filter(({ status }) => status === 422).map(({ text }) => JSON.parse(text).code)
    t.same(new Set(refused), new Set(['insufficient_points']))
  })

  await t.test('200 posts of one externalRef', async (t) => {
    const memberId = await enrol('repeater')
    const body = sale(memberId, 'the-same', '12.50')
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => post(at(index, '/transactions'), key, body)),
    )
    t.same(new Set(answers.map(({ status }) => status)), new Set([201]))
    t.equal(new Set(answers.map(({ text }) => text)).size, 1, 'one answer')
    t.equal(answers.filter(({ replayed }) => !replayed).length, 1, 'one of them the first')
    const [row] = await sql<
      { n: bigint }[]
    >`select count(*) as n from transactions where external_ref = 'the-same'`
    t.equal(row?.n, 1n)
  })

  await t.test('one card, enrolled twice at once under two references', async (t) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        post(at(index, '/members'), key, {
          externalRef: `twin-${index}`,
          identifiers: [{ kind: 'card', value: 'twin' }],
        }),
      ),
    )
    t.equal(answers.filter(({ status }) => status === 201).length, 1)
    t.equal(answers.filter(({ text }) => JSON.parse(text).code === 'identifier_taken').length, 19)
  })

  const own = connect(url, { max: 1 })
  t.same((await verifyLedger(own)).findings, [])
  await own.end()
})
