/**
 * Tills that post sales as fast as they are answered, for k6. Each sale has a reference of its own and a
 * member drawn at random; the warm-up is answered and counted like the rest, but not timed.
 *
 * k6 run -e URL=… -e KEY=… -e RUN=… -e MEMBERS=… -e CONNECTIONS=… -e WARMUP=… -e SECONDS=… bench/k6/earn.ts
 */
import exec from 'k6/execution'
import http from 'k6/http'
import type { Options } from 'k6/options'

// k6 has one, its types do not.
declare const console: { log(message: string): void; error(message: string): void }

const members = Number(__ENV.MEMBERS)
const connections = Number(__ENV.CONNECTIONS)
const warmup = Number(__ENV.WARMUP)
const seconds = Number(__ENV.SECONDS)

export const options: Options = {
  scenarios: {
    // Nobody is cut off: a sale that was sent is waited for, so that what is answered can be compared with
    // what was stored.
    warmup: {
      executor: 'constant-vus',
      vus: connections,
      duration: `${warmup}s`,
      gracefulStop: '60s',
      exec: 'post',
    },
    measure: {
      executor: 'constant-vus',
      vus: connections,
      startTime: `${warmup}s`,
      duration: `${seconds}s`,
      gracefulStop: '60s',
      exec: 'postTimed',
    },
  },
  discardResponseBodies: true,
  systemTags: ['scenario'],
}

// Building JSON costs k6 more than sending it, and it shares the machine with what it measures.
const baskets = Array.from({ length: 256 }, (_, index) => basket(index))

function basket(seed: number): string {
  const categories = ['coffee', 'bakery', 'grocery', 'household', 'coffee']
  const lines = categories.map((category, index) => {
    const cents = 150 + ((seed * 37 + index * 211) % 1200)
    const net = (cents / 100).toFixed(2)
    const tax = ((cents * 7) / 10_000).toFixed(2)
    return {
      lineId: String(index + 1),
      sku: `sku-${(seed * 5 + index) % 800}`,
      category,
      quantity: 1 + ((seed + index) % 3),
      net: { amount: net, currency: 'EUR' },
      tax: { amount: tax, currency: 'EUR' },
    }
  })
  return JSON.stringify(lines)
}

let sold = 0

const params = { headers: { 'content-type': 'application/json', authorization: `Bearer ${__ENV.KEY}` } }

/** Posts one sale; milliseconds until it was answered 201, null where it was refused. */
function sell(): number | null {
  sold += 1
  const ref = `${__ENV.RUN}-${__VU}-${sold}`
  const card = `card-${Math.floor(Math.random() * members)}`
  const lines = baskets[Math.floor(Math.random() * baskets.length)]
  const body =
    `{"externalRef":"${ref}","type":"purchase","identifier":{"kind":"card","value":"${card}"},` +
    `"occurredAt":"${new Date().toISOString()}","location":"store-7","channel":"store","lines":${lines}}`
  const reply = http.post(`${__ENV.URL}/v1/transactions`, body, params)
  if (reply.status === 201) return reply.timings.duration
  console.error(`sale ${ref}: ${reply.status} ${reply.error}`)
  return null
}

export function post(): void {
  sellFor(warmup, false)
}

export function postTimed(): void {
  sellFor(seconds, true)
}

/**
 * One sale after the other, in one iteration: beginning another costs k6 as much as an eighth of a sale. What came
 * of them is printed as a line of JSON, since k6's own sums would cost it another sixth; what is answered after the
 * end is waited for, but not timed.
 */
function sellFor(length: number, isTimed: boolean): void {
  const end = exec.scenario.startTime + length * 1000
  const told = { answered: 0, refused: 0, timed: [] as number[] }
  for (let isOver = false; !isOver; ) {
    const taken = sell()
    isOver = Date.now() > end
    if (taken === null) told.refused += 1
    else told.answered += 1
    if (taken !== null && isTimed && !isOver) told.timed.push(Math.round(taken * 1000) / 1000)
  }
  console.log(JSON.stringify(told))
}
