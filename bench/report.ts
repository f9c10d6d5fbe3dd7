/** The results: medians and spreads over the rounds, as a table for people and as JSON. */
import type { Sales } from './load.ts'

/** What one round measured; by connections or clients. */
export interface Round {
  readonly sales: ReadonlyMap<number, Sales>
  /** TPC-B transactions per second; empty where pgbench is missing */
  readonly tpcb: ReadonlyMap<number, number>
}

/** The middle of the rounds and how far they lie apart. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface Row {
  readonly connections: number
  readonly perSecond: Spread
  readonly p50: Spread
  readonly p99: Spread
  readonly refused: number
  readonly tpcb: Spread | null
  /** to TPC-B at the same connections, and to TPC-B's best of the same round */
  readonly toSame: Spread | null
  readonly toBest: Spread | null
}

export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const median = Number.isInteger(middle)
    ? (sorted[middle - 1]! + sorted[middle]!) / 2
    : sorted[Math.floor(middle)]!
  return { median, least: sorted[0]!, most: sorted.at(-1)! }
}

export function rowsOf(rounds: readonly Round[], connections: readonly number[]): Row[] {
  return connections.map((count) => {
    const measured = rounds.flatMap((round) => {
      const sales = round.sales.get(count)
      return sales ? [{ sales, tpcb: round.tpcb.get(count), best: Math.max(...round.tpcb.values()) }] : []
    })
    const of = (pick: (one: Sales) => number) => spreadOf(measured.map(({ sales }) => pick(sales)))!
    const same = measured.filter(({ tpcb }) => tpcb !== undefined)
    const best = measured.filter((one) => Number.isFinite(one.best))
    return {
      connections: count,
      perSecond: of(({ perSecond }) => perSecond),
      p50: of(({ p50 }) => p50),
      p99: of(({ p99 }) => p99),
      refused: measured.reduce((sum, { sales }) => sum + sales.refused, 0),
      tpcb: spreadOf(same.map(({ tpcb }) => tpcb!)),
      toSame: spreadOf(same.map(({ sales, tpcb }) => sales.perSecond / tpcb!)),
      toBest: spreadOf(best.map((one) => one.sales.perSecond / one.best)),
    }
  })
}

export function tableOf(rows: readonly Row[], tpcb: ReadonlyMap<number, Spread>): string {
  const lines = [
    ['connections', 'sales/s', 'TPC-B/s', 'to TPC-B', 'to its best', 'errors', 'p50 ms', 'p99 ms'],
    ...rows.map((row) => [
      String(row.connections),
      show(row.perSecond, 0),
      show(row.tpcb, 0),
      show(row.toSame, 2),
      show(row.toBest, 2),
      String(row.refused),
      show(row.p50, 1),
      show(row.p99, 1),
    ]),
  ]
  const clients = [...tpcb].map(([count, spread]) => `${count} clients ${show(spread, 0)}`)
  const yardstick = clients.length === 0 ? [] : ['', `TPC-B per second: ${clients.join(', ')}`]
  return [
    ...aligned(lines),
    ...yardstick,
    '',
    'Each is the median of the rounds, with the least and the most.',
  ].join('\n')
}

function show(spread: Spread | null, digits: number): string {
  if (spread === null) return '-'
  const [median, least, most] = [spread.median, spread.least, spread.most].map((value) =>
    value.toFixed(digits),
  )
  return `${median} (${least}-${most})`
}

function aligned(lines: readonly string[][]): string[] {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines.map((line) => line.map((cell, column) => cell.padStart(widths[column]!)).join('  '))
}
