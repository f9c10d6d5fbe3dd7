/** A command's text: the same for the same request, in whatever order its keys came. */
import { stringify } from 'safe-stable-stringify'
import t from 'tap'
import { newCommand, type Request } from '../../src/engine/command.ts'
import { NewTransaction } from '../../src/http/transaction-schemas.ts'
import { fc, runs } from '../support/property.ts'

const from = { program: 'p', source: 's', ref: 'r', at: new Date(0) }
const textOf = (request: unknown) => newCommand(from, request as Request).text

t.test('keys are sorted, however they came', async (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => {
      const request = { kind: 'earn', body }
      t.equal(textOf(request), stringify(request))
      const turned = Object.fromEntries(Object.entries(body).reverse())
      t.equal(
        newCommand(from, { body: turned, kind: 'earn' } as unknown as Request).requestHash,
        newCommand(from, request as unknown as Request).requestHash,
      )
    }),
    { numRuns: runs(200) },
  )
})

const orders: [string, unknown, string][] = [
  ['in order', { a: 1, b: { c: 2, d: 3 } }, '{"a":1,"b":{"c":2,"d":3}}'],
  ['out of order', { b: 1, a: 2 }, '{"a":2,"b":1}'],
  ['deep in a list', { a: [{ d: 1, c: 2 }] }, '{"a":[{"c":2,"d":1}]}'],
  ['numbers are names', { 2: 'b', 10: 'a' }, '{"10":"a","2":"b"}'],
  ['nothing is left out', { a: undefined, b: null }, '{"b":null}'],
  ['a whole number', { a: 12n }, '{"a":12}'],
  ['an instant', { a: new Date(0) }, '{"a":"1970-01-01T00:00:00.000Z"}'],
]
for (const [name, request, text] of orders) t.equal(textOf(request), text, name)

// Otherwise every sale's keys would be sorted anew.
t.test('what a till posts has its keys in order', async (t) => {
  const money = { currency: 'EUR', amount: '1.00' }
  const body = NewTransaction.parse({
    type: 'purchase',
    tenders: [{ kind: 'card', amount: money }],
    occurredAt: '2026-03-03T09:15:00+01:00',
    memberId: 'mem_0198f0a2b3c4700080000000000a0001',
    location: 'store-7',
    channel: 'store',
    lines: [
      {
        tax: money,
        sku: 's',
        quantity: 1,
        net: money,
        lineId: '1',
        kind: 'item',
        gross: money,
        category: 'c',
      },
    ],
    externalRef: 'r',
  })
  t.equal(JSON.stringify(body), stringify(body))
})
