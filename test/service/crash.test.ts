/**
 * Under load the server process is killed ten times and its PostgreSQL twice. Afterwards every answered
 * command is there exactly once, no unanswered one in part, and a retry gets the recorded answer.
 */
import { join } from 'node:path'
import t from 'tap'
import { connect } from '../../src/db/connection.ts'
import { startServer } from '../../src/db/embedded.ts'
import { lookAt } from '../../src/db/postmaster.ts'
import { homeFor } from '../../src/db/runner.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { type Answer, freePort, keyFor, post, type Service, startService } from '../support/running.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/until.ts'

t.setTimeout(600_000)

const SERVER_KILLS = 10
const DATABASE_KILLS = 2
const CLIENTS = 16
const MEMBERS = 8

t.test('kill -9, again and again', async (t) => {
  const data = join(temporaryFolder(t), 'data')
  const port = await freePort()
  const start = (demo = false) => startService({ env: { MILEPOST_DATA: data }, port, demo })
  let service: Service = await start(true)
  t.teardown(async () => {
    await service.stop('SIGKILL')
    // The service was killed, so its PostgreSQL still runs: the last one out stops it.
    await (await startServer({ dataFolder: data })).stop()
  })
  const database = await startServer({ dataFolder: data })
  const key = await keyFor(database.url, 'corner-coffee')

  const members: string[] = []
  for (let index = 0; index < MEMBERS; index += 1) {
    const enrolment = { externalRef: `m-${index}`, identifiers: [{ kind: 'card', value: `m-${index}` }] }
    members.push(JSON.parse((await post(`${service.url}/v1/members`, key, enrolment)).text).memberId)
  }
  const body = (index: number) => ({
    externalRef: `sale-${index}`,
    type: 'purchase',
    memberId: members[index % MEMBERS],
    occurredAt: '2026-01-05T10:00:00Z',
    lines: [{ lineId: '1', quantity: 1, net: { amount: '10.00', currency: 'EUR' } }],
  })

  // Every third sale is posted once and forgotten, whatever comes of it; the others until answered.
  const answered = new Map<number, Answer>()
  const forgotten = new Set<number>()
  let next = 0
  let stop = false
  const client = async () => {
    while (!stop) {
      const index = next++
      if (index % 3 === 0) forgotten.add(index)
      const answer = await tryOnce(service.url, key, body(index))
      if (answer) answered.set(index, answer)
      else if (index % 3 !== 0) answered.set(index, await untilAnswered(service.url, key, body(index)))
    }
  }
  const clients = Array.from({ length: CLIENTS }, client)
  t.teardown(() => {
    stop = true
  })

  for (let kill = 0; kill < SERVER_KILLS; kill += 1) {
    const before = answered.size
    await until('it works', () => answered.size > before)
    await pause(150 + 50 * (kill % 4))
    await service.stop('SIGKILL')
    service = await start()
    t.comment(`server killed ${kill + 1} times, ${answered.size} answered`)
  }
  for (let kill = 0; kill < DATABASE_KILLS; kill += 1) {
    await pause(300)
    const killed = postmaster(data)
    const before = answered.size
    process.kill(killed, 'SIGKILL')
    // its sessions answer for a moment longer
    await until('another database is there', () => ![0, killed].includes(postmaster(data)))
    await until('sales are answered again', () => answered.size > before + CLIENTS)
    t.comment(`database killed ${kill + 1} times, ${answered.size} answered`)
  }
  stop = true
  await Promise.all(clients)

  t.ok(answered.size > 100, `${answered.size} sales were answered`)
  t.same(new Set([...answered.values()].map(({ status }) => status)), new Set([201]))
  for (const [index, answer] of answered) {
    const again = await post(`${service.url}/v1/transactions`, key, body(index))
    if (again.text !== answer.text || !again.replayed)
      t.fail(`sale ${index} got another answer the second time`)
  }

  const again = await startServer({ dataFolder: data })
  const sql = connect(again.url, { max: 2 })
  const rows = await sql<{ external_ref: string; n: bigint }[]>`
    select external_ref, count(*) as n from transactions group by external_ref`
  t.same(
    rows.filter(({ n }) => n !== 1n),
    [],
    'nothing is there twice',
  )
  const there = new Set(rows.map(({ external_ref }) => external_ref))
  t.same(
    [...answered.keys()].filter((index) => !there.has(`sale-${index}`)),
    [],
    'nothing answered is lost',
  )
  const points = await sql<{ sum: string }[]>`select sum(available)::text as sum from accounts`
  t.equal(points[0]?.sum, String(rows.length * 10), 'each sale gave its ten points, in full')
  t.same((await verifyLedger(sql)).findings, [])
  await sql.end()
  await Promise.all([again.stop(), database.stop()])
  t.comment(`${answered.size} answered, ${forgotten.size} forgotten, ${rows.length} recorded`)
})

async function tryOnce(url: string, key: string, body: object): Promise<Answer | null> {
  try {
    const answer = await post(`${url}/v1/transactions`, key, body)
    return answer.status >= 500 ? null : answer
  } catch {
    return null
  }
}

async function untilAnswered(url: string, key: string, body: object): Promise<Answer> {
  for (;;) {
    const answer = await tryOnce(url, key, body)
    if (answer) return answer
    await pause(50)
  }
}

/** The number of the PostgreSQL process; 0 while there is none that takes sessions. */
function postmaster(data: string): number {
  const found = lookAt(join(homeFor(data).home, 'postgres', 'data'))
  return found.state === 'ready' ? found.pid : 0
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
