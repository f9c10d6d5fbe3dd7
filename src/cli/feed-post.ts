/**
 * Posts a feed's plan through a till: customers side by side, each customer's own steps strictly in order.
 * Every step is idempotent by its key, so that an import that was cut short is simply run again.
 */
import type { ReturnBody, TransactionBody } from '../earning/transaction.ts'
import type { EnrolBody } from '../members/member.ts'
import type { Counts, Plan, Step } from './feed-plan.ts'

/** The same three writes over the lane and over HTTP. */
export interface Till {
  enrol(body: EnrolBody): Promise<Posted>
  sale(body: TransactionBody): Promise<Posted>
  /** `transactionId` as the sale's reply showed it */
  takeBack(transactionId: string, body: ReturnBody): Promise<Posted>
}

export type Posted =
  | { readonly outcome: 'posted' | 'replayed'; readonly reply: Readonly<Record<string, unknown>> }
  | { readonly outcome: 'refused'; readonly reason: string; readonly detail: string }

export interface Imported {
  readonly read: number
  readonly sales: number
  readonly returns: number
  readonly posted: number
  readonly refused: number
  readonly skipped: number
  readonly members: number
  readonly seconds: number
  readonly refusals: Counts
  readonly skips: Counts
  readonly skippedRows: Counts
}

export interface Posting {
  readonly till: Till
  readonly atOnce: number
  readonly signal: AbortSignal
  onProgress(done: number, total: number): void
  /** the first refusal of each kind, in words */
  onRefusal(step: string, detail: string): void
}

/** Whoever has this number already, from an earlier feed or from another source, is the customer. */
const KNOWN = new Set(['idempotency_conflict', 'identifier_taken'])
/** Reasons that are ours, beside the engine's codes. */
const ALREADY = 'already posted'
const SALE_NOT_POSTED = 'its sale was refused'

interface Run extends Posting {
  /** what each customer's last step will have done */
  readonly last: Map<string, Promise<void>>
  /** externalRef of a sale -> transaction id */
  readonly sold: Map<string, string>
  readonly refusals: Counts
  readonly skips: Counts
  /** why customers could not be enrolled */
  readonly unknown: Set<string>
  posted: number
}

export async function postPlan(plan: Plan, posting: Posting): Promise<Omit<Imported, 'seconds'>> {
  const run: Run = {
    ...posting,
    last: new Map(),
    sold: new Map(),
    refusals: {},
    skips: { ...plan.skips },
    unknown: new Set(),
    posted: 0,
  }
  await postAll(plan, run)
  return {
    read: plan.read,
    sales: plan.sales,
    returns: plan.returns,
    posted: run.posted,
    refused: sum(run.refusals),
    skipped: sum(run.skips),
    members: plan.customers.size,
    refusals: run.refusals,
    skips: run.skips,
    skippedRows: plan.skippedRows,
  }
}

/** Steps begin in order of time, as many at once as the till can take; the first failure ends it. */
async function postAll(plan: Plan, run: Run): Promise<void> {
  const waiting = new Set<Promise<void>>()
  const failures: unknown[] = []
  let done = 0
  for (const step of plan.steps) {
    run.signal.throwIfAborted()
    const before = run.last.get(step.customer) ?? enrolFirst(plan, run, step.customer)
    const mine = before.then(() => postStep(run, step))
    run.last.set(step.customer, mine)
    const slot: Promise<void> = mine.then(
      () => {
        waiting.delete(slot)
        done += 1
        run.onProgress(done, plan.steps.length)
      },
      (error) => void failures.push(error),
    )
    waiting.add(slot)
    if (waiting.size >= run.atOnce) await Promise.race(waiting)
    if (failures.length > 0) throw failures[0]
  }
  await Promise.all(waiting)
  if (failures.length > 0) throw failures[0]
  // Customers of whom the feed shows nothing that can be posted are members all the same.
  for (const customer of plan.customers.keys()) {
    run.signal.throwIfAborted()
    if (!run.last.has(customer)) await enrolFirst(plan, run, customer)
  }
}

async function enrolFirst(plan: Plan, run: Run, customer: string): Promise<void> {
  const enrolledAt = plan.customers.get(customer)!.toISOString()
  const posted = await run.till.enrol({
    externalRef: customer,
    identifiers: [{ kind: 'customer', value: customer }],
    enrolledAt,
  })
  // The sales name the number, and a number that nobody has is refused there, sale by sale.
  if (posted.outcome !== 'refused' || KNOWN.has(posted.reason) || run.unknown.has(posted.reason)) return
  run.unknown.add(posted.reason)
  run.onRefusal(`customer ${customer}`, posted.detail)
}

async function postStep(run: Run, step: Step): Promise<void> {
  const transactionId = step.kind === 'return' ? run.sold.get(step.sale) : null
  if (transactionId === undefined) {
    add(run.refusals, SALE_NOT_POSTED)
    return
  }
  const posted =
    step.kind === 'sale' ? await run.till.sale(step.body) : await run.till.takeBack(transactionId!, step.body)
  if (posted.outcome === 'refused') {
    if (!(posted.reason in run.refusals)) run.onRefusal(step.body.externalRef, posted.detail)
    add(run.refusals, posted.reason)
    return
  }
  if (step.kind === 'sale') run.sold.set(step.body.externalRef, String(posted.reply.transactionId))
  if (posted.outcome === 'replayed') add(run.skips, ALREADY)
  else run.posted += 1
}

function add(counts: Counts, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
