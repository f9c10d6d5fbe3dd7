/**
 * Points owed, from sums of postings: by currency, who pays for them, and the month in which they lapse.
 * What is owed and what members owe back are never netted, and both equal the postings to the point.
 */
import { Decimal, type Money, type WireMoney, wireMoney } from '../base/points.ts'
import { dayOf } from '../base/time.ts'
import { memberAccounts, programAccounts } from './entry.ts'

/** Postings summed by what they moved between; `expiresAt` and `funder` are null where no lot is named. */
export interface MovedRow {
  readonly currency: string
  readonly expiresAt: Date | null
  readonly funder: string | null
  readonly from: string
  readonly to: string
  readonly points: bigint
}

export interface OwedRow {
  readonly funder: string
  /** `2027-03`: the month of the last day on which they can be used; null: they never lapse */
  readonly expires: string | null
  readonly points: bigint
}

export interface Owed {
  readonly currency: string
  /** available, pending and held, less what has lapsed */
  readonly points: bigint
  readonly byAccount: { readonly available: bigint; readonly pending: bigint; readonly held: bigint }
  /** lapsed by the instant although no sweep has written it down yet; not in `points` */
  readonly lapsed: bigint
  /** owed back by members after returns; not netted with `points` */
  readonly negative: bigint
  readonly rows: readonly OwedRow[]
  /** from the other side of the postings: points + lapsed - negative = the sum of these */
  readonly control: { readonly [account: string]: bigint }
}

const held = new Set(['available', 'pending', 'held'])
const NO_FUNDER = 'unknown'

/** Sums by currency. Add rows in any number of parts; `at` is the last instant that counts. */
export class OwedSums {
  readonly #timeZone: string
  readonly #at: Date
  readonly #currencies = new Map<string, Sums>()

  constructor(input: { timeZone: string; at: Date }) {
    this.#timeZone = input.timeZone
    this.#at = input.at
  }

  add(row: MovedRow): void {
    let sums = this.#currencies.get(row.currency)
    if (!sums) {
      sums = { accounts: new Map(), lapsed: 0n, rows: new Map() }
      this.#currencies.set(row.currency, sums)
    }
    this.#addSide(sums, row, { account: row.from, points: -row.points })
    this.#addSide(sums, row, { account: row.to, points: row.points })
  }

  list(): Owed[] {
    return [...this.#currencies].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, sums]) => owedOf(id, sums))
  }

  #addSide(sums: Sums, row: MovedRow, side: { account: string; points: bigint }): void {
    const { account, points } = side
    bump(sums.accounts, account, points)
    if (!held.has(account)) return
    // What is held for a redemption stays owed until that lets go; the rest of a lot is gone when it lapses.
    if (account !== 'held' && row.expiresAt !== null && row.expiresAt <= this.#at) {
      sums.lapsed += points
      bump(sums.accounts, account, -points)
      return
    }
    bump(sums.rows, `${row.funder ?? NO_FUNDER} ${this.#monthOf(row.expiresAt)}`, points)
  }

  // The lapse is the first instant that is too late, so the month is that of the day before it.
  #monthOf(expiresAt: Date | null): string {
    return expiresAt === null ? '' : dayOf(this.#timeZone, new Date(expiresAt.getTime() - 1)).slice(0, 7)
  }
}

interface Sums {
  readonly accounts: Map<string, bigint>
  lapsed: bigint
  readonly rows: Map<string, bigint>
}

function bump(sums: Map<string, bigint>, key: string, points: bigint): void {
  sums.set(key, (sums.get(key) ?? 0n) + points)
}

function owedOf(currency: string, { accounts, lapsed, rows }: Sums): Owed {
  const of = (account: string) => accounts.get(account) ?? 0n
  const own = new Set<string>(memberAccounts)
  const others = new Set([
    ...programAccounts,
    ...[...accounts.keys()].filter((name) => !own.has(name)).sort(),
  ])
  return {
    currency,
    points: of('available') + of('pending') + of('held'),
    byAccount: { available: of('available'), pending: of('pending'), held: of('held') },
    lapsed,
    // Points leave this account when a debt arises, so its balance is the debt with a minus.
    negative: -of('negative'),
    rows: [...rows]
      .filter(([, points]) => points !== 0n)
      .map(rowOf)
      .sort(bySoonest),
    // The program's accounts give what members get: their balances are the negative of it.
    control: Object.fromEntries([...others].map((name) => [name, -of(name)])),
  }
}

function rowOf([key, points]: [string, bigint]): OwedRow {
  const [funder = '', expires = ''] = key.split(' ')
  return { funder, expires: expires === '' ? null : expires, points }
}

function bySoonest(a: OwedRow, b: OwedRow): number {
  const key = (row: OwedRow) => `${row.expires ?? '9999-99'} ${row.funder}`
  return key(a) < key(b) ? -1 : 1
}

/**
 * Each row's value, rounded so that the rows sum to the rounded value of all: a row gets what the running
 * total grows by. No row is off by more than one smallest unit, and nothing is left over.
 */
export function valuesOf(rows: readonly bigint[], value: Money): WireMoney[] {
  const worthOf = (points: bigint) => {
    const { amount } = wireMoney({ amount: value.amount.times(points.toString()), currency: value.currency })
    return new Decimal(amount)
  }
  let points = 0n
  let shown = worthOf(0n)
  return rows.map((row) => {
    points += row
    const next = worthOf(points)
    const amount = next.minus(shown)
    shown = next
    return wireMoney({ amount, currency: value.currency })
  })
}
