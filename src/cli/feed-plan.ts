/**
 * What a till feed asks of the engine: sales and returns in order of time, and what is left out, counted
 * by reason. Pure, and a function of the feed alone: the second reading gives the same plan as the first.
 */
import { Decimal } from '../base/points.ts'
import { instantOf } from '../base/time.ts'
import type { ReturnBody, TransactionBody } from '../earning/transaction.ts'
import type { FeedRow } from './feed.ts'

export type Step =
  | { readonly kind: 'sale'; readonly customer: string; readonly at: Date; readonly body: TransactionBody }
  | {
      readonly kind: 'return'
      readonly customer: string
      readonly at: Date
      /** externalRef of the sale that is taken back */
      readonly sale: string
      readonly body: ReturnBody
    }

export type Counts = Record<string, number>

export interface Plan {
  /** rows in the feed */
  readonly read: number
  /** in order of time; at one time, in order of the feed */
  readonly steps: readonly Step[]
  /** the time of each customer's first invoice */
  readonly customers: ReadonlyMap<string, Date>
  /** invoices and returns in all, those that are left out among them */
  readonly sales: number
  readonly returns: number
  /** invoices left out whole, by reason */
  readonly skips: Counts
  /** rows left out, by reason */
  readonly skippedRows: Counts
}

export interface PlanFor {
  readonly timeZone: string
  /** ISO 4217 */
  readonly money: string
}

interface Invoice {
  readonly number: string
  readonly at: Date
  readonly customer: string
  readonly rows: FeedRow[]
}

/** A row of an earlier sale that can still be taken back. */
interface Taken {
  readonly sale: string
  readonly lineId: string
  left: number
}

interface Draft extends PlanFor {
  readonly steps: Step[]
  readonly skips: Counts
  readonly skippedRows: Counts
  /** by customer and stock code, oldest first */
  readonly sold: Map<string, Taken[]>
  returns: number
}

export async function planFeed(rows: AsyncIterable<FeedRow>, plan: PlanFor): Promise<Plan> {
  const { invoices, read } = await gather(rows, plan.timeZone)
  const draft: Draft = { ...plan, steps: [], skips: {}, skippedRows: {}, sold: new Map(), returns: 0 }
  const customers = new Map<string, Date>()
  let sales = 0
  for (const invoice of invoices) {
    const cancels = invoice.number.startsWith('C')
    if (!cancels) sales += 1
    if (invoice.customer === '') {
      if (cancels) draft.returns += 1
      add(draft.skips, 'no customer')
      add(draft.skippedRows, 'no customer', invoice.rows.length)
      continue
    }
    if (!customers.has(invoice.customer)) customers.set(invoice.customer, invoice.at)
    if (cancels) cancel(invoice, draft)
    else sell(invoice, draft)
  }
  const { steps, skips, skippedRows, returns } = draft
  return { read, steps, customers, sales, returns, skips, skippedRows }
}

/** Rows by invoice, in order of time. An invoice's time and customer are those of its first row. */
async function gather(rows: AsyncIterable<FeedRow>, timeZone: string) {
  const byNumber = new Map<string, Invoice>()
  let read = 0
  for await (const row of rows) {
    read += 1
    const known = byNumber.get(row.invoice)
    if (known) known.rows.push(row)
    else {
      const { invoice: number, customer } = row
      byNumber.set(number, { number, customer, at: instantOf(timeZone, row.local), rows: [row] })
    }
  }
  // The sort is stable, so invoices of one minute stay as the till wrote them.
  const invoices = [...byNumber.values()].sort((a, b) => a.at.getTime() - b.at.getTime())
  return { invoices, read }
}

/** Line ids are the row's place on the invoice, so they stay what they are whatever rows are left out. */
function sell(invoice: Invoice, draft: Draft): void {
  const { number, customer, at } = invoice
  const lines: TransactionBody['lines'] = []
  for (const [index, row] of invoice.rows.entries()) {
    const reason = unsaleable(row)
    if (reason) {
      add(draft.skippedRows, reason)
      continue
    }
    const lineId = String(index + 1)
    lines.push({
      lineId,
      sku: row.sku,
      quantity: row.quantity,
      net: { amount: amountOf(row), currency: draft.money },
    })
    const taken = { sale: number, lineId, left: row.quantity }
    const key = keyOf(customer, row.sku)
    const sold = draft.sold.get(key)
    if (sold) sold.push(taken)
    else draft.sold.set(key, [taken])
  }
  if (lines.length === 0) {
    add(draft.skips, 'no line to post')
    return
  }
  const identifier = { kind: 'customer', value: customer }
  const body = { externalRef: number, type: 'purchase', identifier, occurredAt: at.toISOString(), lines }
  draft.steps.push({ kind: 'sale', customer, at, body })
}

function unsaleable(row: FeedRow): string | null {
  if (row.quantity <= 0) return 'quantity not above 0'
  if (!new Decimal(row.price).greaterThan(0)) return 'price not above 0'
  return null
}

/** Exact: at least two places, more where the price has more. */
function amountOf({ price, quantity }: FeedRow): string {
  const amount = new Decimal(price).times(quantity)
  return amount.toFixed(Math.max(2, amount.decimalPlaces()))
}

/** The latest earlier lines with the same customer and stock code are taken back first. */
function cancel(invoice: Invoice, draft: Draft): void {
  const { number, customer, at } = invoice
  const bySale = new Map<string, Map<string, number>>()
  for (const row of invoice.rows) {
    const wanted = Math.max(0, -row.quantity)
    const unmet = takeBack(draft.sold.get(keyOf(customer, row.sku)) ?? [], wanted, bySale)
    if (wanted === 0) add(draft.skippedRows, 'cancellation with nothing to take back')
    else if (unmet === wanted) add(draft.skippedRows, 'no earlier sale')
    else if (unmet > 0) add(draft.skippedRows, 'more than was sold: the rest')
  }
  if (bySale.size === 0) {
    draft.returns += 1
    add(draft.skips, 'no earlier sale')
    return
  }
  for (const [sale, quantities] of bySale) {
    const lines = [...quantities].map(([lineId, quantity]) => ({ lineId, quantity }))
    const body = { externalRef: `${number}:${sale}`, occurredAt: at.toISOString(), lines }
    draft.returns += 1
    draft.steps.push({ kind: 'return', customer, at, sale, body })
  }
}

/** What could not be taken back. */
function takeBack(sold: Taken[], wanted: number, bySale: Map<string, Map<string, number>>): number {
  let unmet = wanted
  while (unmet > 0) {
    const latest = sold.at(-1)
    if (!latest) break
    const quantity = Math.min(unmet, latest.left)
    const lines = bySale.get(latest.sale) ?? new Map<string, number>()
    bySale.set(latest.sale, lines.set(latest.lineId, (lines.get(latest.lineId) ?? 0) + quantity))
    latest.left -= quantity
    unmet -= quantity
    if (latest.left === 0) sold.pop()
  }
  return unmet
}

function keyOf(customer: string, sku: string): string {
  return `${customer}\n${sku}`
}

function add(counts: Counts, reason: string, by = 1): void {
  counts[reason] = (counts[reason] ?? 0) + by
}
