/**
 * One run over a program's products: what its members bought in the last two years, what is near to what,
 * written in pages. Readers keep the run before until this one is done; a run that broke off is never read.
 */
import { newId } from '../base/ids.ts'
import { addMonths, dayOf, startOfDay } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import type { Program } from '../program/program.ts'
import { type Near, nearest, popularOf } from './affinity.ts'
import { Baskets, MOST_MEMBERS } from './baskets.ts'
import { isGoods } from './goods.ts'
import {
  countBuyers,
  finishProductRun,
  noteProductRun,
  readBaskets,
  writeNeighbours,
} from './queries-products.ts'

const MONTHS_BACK = 24
const MOST_POPULAR = 200
const PAGE = 500
const NEVER = 2_000_000

export interface ProductRun {
  readonly products: number
  readonly members: number
}

export async function runProducts(
  sql: Sql,
  program: Program,
  { at, signal }: { at: Date; signal?: AbortSignal | undefined },
): Promise<ProductRun | null> {
  const { id, timeZone } = program
  const since = startOfDay(timeZone, addMonths(dayOf(timeZone, at), -MONTHS_BACK))
  const oneIn = Math.max(1, Math.ceil((await countBuyers(sql, id)) / MOST_MEMBERS))
  const baskets = new Baskets(NEVER)
  const goods = new Map<string, boolean>()
  for await (const page of readBaskets(sql, { program: id, timeZone, since, at, oneIn })) {
    if (signal?.aborted) return null
    for (const row of page) {
      let offered = goods.get(row.product)
      if (offered === undefined) {
        offered = isGoods(program, row.product, at)
        goods.set(row.product, offered)
      }
      if (offered) baskets.add(row)
    }
  }
  const histories = baskets.histories()
  const runId = newId()
  const counts = { products: histories.products.length, members: baskets.size }
  const popular = popularOf(histories, MOST_POPULAR)
  await noteProductRun(sql, { program: id, runId, asOf: at, ...counts, popular })
  let page: { product: string; near: Near }[] = []
  for (const one of nearest(histories)) {
    if (signal?.aborted) return null
    page.push(one)
    if (page.length < PAGE) continue
    await writeNeighbours(sql, { program: id, runId }, page)
    page = []
  }
  if (page.length > 0) await writeNeighbours(sql, { program: id, runId }, page)
  await finishProductRun(sql, { program: id, runId, at })
  return counts
}
