/**
 * A run of scores over a made-up program, from the table of members' rows to the written file: learnt, scored in
 * threads, flagged, put into words, written. The members are those of the fits, bought from the Pareto/NBD law.
 */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { startCrew } from '../src/retention/crew.ts'
import { stateAt } from '../src/retention/cuts.ts'
import { learn } from '../src/retention/learn.ts'
import { PurchaseCollector, type Purchases } from '../src/retention/purchases.ts'
import { createStateTable, putState, type StateTable } from '../src/retention/state-table.ts'
import type { ToldStretch } from '../src/retention/stint.ts'
import { type Random, seeded, simulate } from '../test/support/buyers.ts'

export interface ScoresPlan {
  readonly members: number
  readonly weeks: number
  readonly seed: number
  readonly threads: number
}

export const LAW = { r: 0.8, alpha: 8, s: 0.6, beta: 20 }
const CHUNK = 10_000
const WEEK = 7
const HORIZON = 182

export async function benchScores(plan: ScoresPlan): Promise<void> {
  const asOf = plan.weeks * WEEK
  const purchases = made(plan, asOf)
  const table = tableOf(purchases, asOf)
  console.log(
    `${plan.members} members with ${purchases.days.length} purchase days, table ${megabytes(table.whole.byteLength + table.sums.byteLength)}`,
  )
  const folder = await mkdtemp(join(tmpdir(), 'milepost-scores-'))
  try {
    await run({ purchases, table, window: { asOf, horizonDays: HORIZON }, folder, threads: plan.threads })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Run {
  readonly purchases: Purchases
  readonly table: StateTable
  readonly window: { readonly asOf: number; readonly horizonDays: number }
  readonly folder: string
  readonly threads: number
}

async function run({ purchases, table, window, folder, threads }: Run): Promise<void> {
  const whole = lap()
  let part = lap()
  const learnt = learn(purchases, window)
  part = part('learnt from a sample')
  const crew = startCrew({ source: { kind: 'states', table }, learnt, threads })
  try {
    const { flags } = await crew.score()
    part = part(`scored, ${threads} threads`)
    const out = join(folder, 'scores.csv')
    await pipeline(
      Readable.from(textOf(crew.tell(purchases.memberIds)), { objectMode: false }),
      createWriteStream(out),
    )
    part('put into words, written')
    whole('all of it')
    const flagged = flags.filter((flag) => flag !== null).length
    const peak = process.resourceUsage().maxRSS * 1024
    console.log(
      `${megabytes((await stat(out)).size)} written, ${flagged} flagged; ${megabytes(peak)} in use at most`,
    )
  } finally {
    await crew.end()
  }
}

async function* textOf(stretches: AsyncIterable<ToldStretch>): AsyncGenerator<Uint8Array> {
  for await (const { text } of stretches) yield text
}

/** A stop watch: says what a part took, by the wall and by all threads' own time, and starts the next one. */
function lap(): (what: string) => ReturnType<typeof lap> {
  const started = performance.now()
  const before = process.cpuUsage()
  return (what) => {
    const { user, system } = process.cpuUsage(before)
    const wall = (performance.now() - started) / 1000
    console.log(
      `${what.padEnd(24)}${wall.toFixed(2)} s by the wall, ${((user + system) / 1e6).toFixed(2)} s of processors`,
    )
    return lap()
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`
}

function tableOf(purchases: Purchases, asOf: number): StateTable {
  const table = createStateTable(purchases.memberIds.length)
  for (let i = 0; i < table.count; i++) {
    const state = stateAt(purchases, i, asOf)
    if (state !== null) putState(table, i, state)
  }
  return table
}

function made({ members, weeks, seed }: ScoresPlan, asOf: number): Purchases {
  const random = seeded(seed)
  const collector = new PurchaseCollector(asOf)
  let number = 0
  for (let done = 0; done < members; done += CHUNK) {
    const plan = { members: Math.min(CHUNK, members - done), ages: [0, weeks], ahead: 0 } as const
    for (const { times, T } of simulate(LAW, plan, random)) {
      const memberId = String(number++).padStart(9, '0')
      const first = asOf - Math.floor(T * WEEK)
      const usual = 500 + 3_000 * random()
      collector.add({ memberId, day: first, cents: spent(usual, random) })
      for (const time of times) {
        const day = Math.min(asOf, first + Math.ceil(time * WEEK))
        collector.add({ memberId, day, cents: spent(usual, random) })
      }
    }
  }
  return collector.finish()
}

function spent(usual: number, random: Random): number {
  return Math.round(usual * (0.5 + random()))
}
