/** `milepost events`: everything once and in order, by types, from a place on, and what comes while it follows. */
import t from 'tap'
import { startEngine } from '../support/engine.ts'
import { until } from '../support/until.ts'
import { milepost, start } from './outside.ts'

t.setTimeout(600_000)

const RULES = `
program: shop
timeZone: UTC
money: EUR
currencies: { points: {} }
earn: [{ id: base, on: purchase, award: 1 point per 1 EUR of net }]
`

t.test('pages, types, places, and following', async (t) => {
  const engine = await startEngine(t, RULES)
  const env = { DATABASE_URL: engine.url }
  const sell = async (memberId: string, ref: string) => {
    const net = { amount: '10.00', currency: 'EUR' }
    const lines = [{ lineId: '1', quantity: 1, net }]
    const occurredAt = engine.now().toISOString()
    const body = { externalRef: ref, type: 'purchase', memberId, occurredAt, lines }
    await engine.run({ kind: 'earn', body }, ref)
  }
  const ann = await engine.enrol('ann')
  for (let i = 0; i < 5; i++) await sell(ann, `s${i}`)
  const jsonl = (...more: string[]) =>
    milepost(['events', '--program', 'shop', '--format', 'jsonl', ...more], env)
  const read = async (...more: string[]) => {
    const { code, out, err } = await jsonl(...more)
    const events = out.split('\n').filter((line) => line !== '')
    return {
      code,
      events: events.map((line) => JSON.parse(line)),
      position: /position (\S+)/.exec(err)?.[1],
    }
  }

  // Other databases of the server may be writing: events show once they are done.
  await until('all events show', async () => (await read()).events.length === 6)
  const all = await read()
  t.match(all.events[0], { type: 'member.enrolled', eventId: /^evt_/, memberId: /^mem_/, data: {} })
  const sales = await read('--type', 'transaction.earned,tier.changed')
  t.strictSame(sales.events, all.events.slice(1))
  const first = await read('--limit', '2')
  t.strictSame(first.events, all.events.slice(0, 2))
  t.strictSame((await read('--after', first.position!)).events, all.events.slice(2))
  t.strictSame((await read('--after', all.events[3].eventId)).events, all.events.slice(4))
  const nothing = await read('--after', all.position!)
  t.match(nothing, { code: 0, events: [], position: all.position! })

  const table = await milepost(['events', '--program', 'shop', '--limit', '1'], env)
  t.match(table.out, /^2026-03-03T10:00:00\.000Z {2}member\.enrolled +mem_\S+ +evt_\S+ {2}\{.*\}\n$/)

  const follower = start(t, ['events', '--program', 'shop', '--format', 'jsonl', '--follow'], env)
  await until('it has read what there is', async () => follower.out().split('\n').length === 7)
  await sell(ann, 'later')
  await until('what comes is told', async () => follower.out().split('\n').length === 8)
  follower.child.kill('SIGINT')
  const ended = await follower.ended
  t.match(ended.err, /7 events; position \S+/)
  t.equal(new Set(ended.out.trimEnd().split('\n')).size, 7, 'each once')

  const refused = [
    [['--program', 'nope'], 1, /There is no such program: program nope/],
    [['--program', 'shop', '--after', 'evt_1'], 1, /The cursor is not one of this list/],
    [['--program', 'shop', '--after', 'x'], 1, /The cursor is not one of this list/],
    [['--program', 'shop', '--type', 'a,,b'], 2, /option --type/],
    [['--program', 'shop', '--limit', '0'], 2, /option --limit/],
    [['--program', 'shop', '--format', 'csv'], 2, /one of table, jsonl/],
    [[], 2, /--program/],
  ] as const
  for (const [words, code, told] of refused) {
    const ended = await milepost(['events', ...words], env)
    t.match([ended.code, ended.err], [code, told], words.join(' '))
    t.equal(ended.out, '')
  }
})
