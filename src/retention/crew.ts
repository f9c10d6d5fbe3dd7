/**
 * The threads of one run of scores: stretches of members are handed out to whichever is free, into memory that
 * all of them share. How many there are changes how long it takes, and nothing else.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { besideOf, startThread } from '../base/thread.ts'
import type { Learnt } from './learn.ts'
import { recordOf } from './learnt-record.ts'
import type { Purchases } from './purchases.ts'
import { flagsOf, type ScoreOptions, type Scores } from './score.ts'
import {
  countOf,
  createSheet,
  createStint,
  flagCodes,
  type Source,
  type Stretch,
  type ToldStretch,
  type Work,
} from './stint.ts'
import type { Voice } from './voice.ts'

export interface CrewPlan {
  readonly source: Source
  readonly learnt: Learnt
  /** as many as there are processors, at most four, where it is not said; none below 20,000 members */
  readonly threads?: number
  /** what members said, by place; left out: nobody said anything */
  readonly voices?: ReadonlyMap<number, Voice>
}

export interface Crew {
  readonly threads: number
  score(options?: CrewOptions): Promise<Scores>
  /** after `score`: CSV by stretches of members, in their order; `memberIds` in the order of the source */
  tell(memberIds: readonly string[]): AsyncGenerator<ToldStretch>
  /** lets the threads go; must be called */
  end(): Promise<void>
}

export interface CrewOptions extends ScoreOptions {
  /** the flag of the run before, by place */
  readonly before?: (place: number) => ReturnType<typeof flagsOf>[number]
}

/** What a thread is told, one after the other. */
export type Order =
  | { readonly kind: 'score'; readonly stretch: Stretch }
  | { readonly kind: 'tell'; readonly stretch: Stretch; readonly memberIds: readonly string[] }

const STRETCH = 10_000
const WORTH_THREADS = 20_000
const MOST_THREADS = 4
/** Hardly anything that a thread makes lives on: with room for it, little is ever moved. */
const YOUNG_MEGABYTES = 64
/** Orders that a thread has before it: one at work and one waiting. */
const AHEAD = 2

export function startCrew({ source, learnt, threads: wanted, voices = new Map() }: CrewPlan): Crew {
  const count = countOf(source)
  const work: Work = { source, sheet: createSheet(count), learnt: recordOf(learnt), voices }
  const usual = count < WORTH_THREADS ? 0 : Math.min(MOST_THREADS, availableParallelism())
  const threads = wanted ?? usual
  const hands = threads === 0 ? [ownHands(work)] : Array.from({ length: threads }, () => threadHands(work))
  const { sheet } = work
  return {
    threads,
    async score({ onProgress, before, accepted } = {}) {
      let done = 0
      for await (const { stretch } of inOrder(hands, scoreOrders(count))) {
        done += stretch.to - stretch.from
        onProgress?.(done)
      }
      const flags = flagsOf(sheet, learnt, {
        before: before ?? null,
        ...(accepted === undefined ? {} : { accepted }),
      })
      for (let i = 0; i < count; i++) sheet.flags[i] = flagCodes.indexOf(flags[i]!)
      const { silent, decline, alive, purchases, value } = sheet
      return { silent, decline, alive, purchases, value, flags }
    },
    async *tell(memberIds) {
      for await (const { told } of inOrder(hands, tellOrders(count, memberIds))) if (told !== null) yield told
    },
    end: async () => {
      await Promise.all(hands.map((hand) => hand.end()))
    },
  }
}

/** The same purchases in memory that threads share. */
export function sharedSource({ starts, days, cents }: Purchases, asOf: number): Source {
  const shared = {
    starts: new Int32Array(new SharedArrayBuffer(starts.byteLength)),
    days: new Int32Array(new SharedArrayBuffer(days.byteLength)),
    cents: new Float64Array(new SharedArrayBuffer(cents.byteLength)),
  }
  shared.starts.set(starts)
  shared.days.set(days)
  shared.cents.set(cents)
  return { kind: 'purchases', purchases: shared, asOf }
}

function* stretches(count: number): Generator<Stretch> {
  for (let from = 0; from < count; from += STRETCH) yield { from, to: Math.min(count, from + STRETCH) }
}

function* scoreOrders(count: number): Generator<Order> {
  for (const stretch of stretches(count)) yield { kind: 'score', stretch }
}

function* tellOrders(count: number, memberIds: readonly string[]): Generator<Order> {
  for (const stretch of stretches(count)) {
    yield { kind: 'tell', stretch, memberIds: memberIds.slice(stretch.from, stretch.to) }
  }
}

/** Somebody who carries out orders, first come, first served. */
interface Hands {
  carryOut(order: Order): Promise<ToldStretch | null>
  end(): Promise<unknown>
}

function ownHands(work: Work): Hands {
  const stint = createStint(work)
  return {
    carryOut: async (order) => {
      if (order.kind === 'tell') return stint.tell(order.stretch, order.memberIds)
      stint.score(order.stretch)
      return null
    },
    end: async () => {},
  }
}

function threadHands(work: Work): Hands {
  const worker: Worker = startThread(besideOf(import.meta.url, 'stint-thread'), work, {
    maxYoungGenerationSizeMb: YOUNG_MEGABYTES,
  })
  const waiting: { resolve: (told: ToldStretch | null) => void; reject: (error: unknown) => void }[] = []
  let failure: unknown = null
  const fail = (error: unknown): void => {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(failure)
  }
  worker.on('message', (told: ToldStretch | null) => waiting.shift()?.resolve(told))
  worker.on('error', fail)
  worker.on('exit', (code) => fail(new Error(`a thread of the scores ended with ${code}`)))
  return {
    carryOut: (order) =>
      new Promise((resolve, reject) => {
        if (failure !== null) return reject(failure)
        waiting.push({ resolve, reject })
        worker.postMessage(order)
      }),
    end: () => worker.terminate(),
  }
}

interface Done {
  readonly stretch: Stretch
  readonly told: ToldStretch | null
}

/** Hands orders out as they can be taken, and gives what came of them in the order of the orders. */
async function* inOrder(hands: readonly Hands[], orders: Iterable<Order>): AsyncGenerator<Done> {
  const loads = hands.map(() => 0)
  const under: Promise<Done>[] = []
  for (const order of orders) {
    // The least busy one; of equals the first.
    while (Math.min(...loads) >= AHEAD) {
      yield await under.shift()!
    }
    const hand = loads.indexOf(Math.min(...loads))
    loads[hand]!++
    const done = hands[hand]!.carryOut(order).then((told): Done => {
      loads[hand]!--
      return { stretch: order.stretch, told }
    })
    // Waited for below, in its turn; until then its failure is not unheard of.
    done.catch(() => {})
    under.push(done)
  }
  for (const done of under) yield await done
}
