/**
 * Reads a file of purchases, `memberId,date[,amount]`, plain or gzipped, in any order. Rows that cannot be
 * read are counted and the first few named by their line; the file is refused where nothing is left.
 */
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { constants, gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse'
import { didYouMean } from '../base/nearest.ts'
import type { PurchaseRow } from '../retention/purchases.ts'
import { asFeedError, FeedError, openText } from './feed.ts'

export interface FileReading {
  readonly rows: number
  readonly unreadable: number
  /** the first few, with what was wrong */
  readonly named: readonly { readonly line: number; readonly problem: string }[]
  readonly hasAmounts: boolean
}

interface Place {
  readonly member: number
  readonly date: number
  /** null: the file has no amounts */
  readonly amount: number | null
}

export const known = {
  member: [
    ...['memberid', 'member', 'customerid', 'customer', 'custid', 'cust', 'clientid', 'client', 'userid'],
    ...['user', 'cardid', 'card', 'accountid', 'buyerid', 'masterid', 'householdid', 'shopperid', 'id'],
  ],
  date: [
    ...['date', 'day', 'purchasedate', 'transactiondate', 'orderdate', 'invoicedate', 'occurredat'],
    ...['datetime', 'timestamp', 'createdat', 'time'],
  ],
  amount: [
    ...['amount', 'spend', 'revenue', 'value', 'total', 'totalamount', 'sales', 'net', 'gross', 'price'],
    ...['dollars', 'sum'],
  ],
} as const

const MOST_NAMED = 5
const MOST_ROW_BYTES = 64 * 1024
const HEAD_BYTES = 64 * 1024
const LONGEST_ID = 200
const REPORT_EVERY = 50_000

export interface ReadOptions {
  /** true: the row counts and is kept */
  take(row: PurchaseRow): void
  onProgress?(rows: number): void
}

export async function readPurchases(file: string, { take, onProgress }: ReadOptions): Promise<FileReading> {
  const streams = await openText(file)
  const named: { line: number; problem: string }[] = []
  let [rows, unreadable] = [0, 0]
  const blame = (line: number, problem: string): void => {
    unreadable++
    if (named.length < MOST_NAMED) named.push({ line, problem })
  }
  const parser = parse({
    bom: true,
    delimiter: await delimiterOf(file),
    info: true,
    trim: true,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MOST_ROW_BYTES,
    on_skip: (error) => {
      blame((error as { lines?: number } | undefined)?.lines ?? 0, 'this is no CSV')
    },
  })
  pipeline([...streams, parser], () => {})
  let place: Place | null = null
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (place === null) {
        place = headerless(record)
        if (place === null) {
          place = placesOf(file, record)
          continue
        }
      }
      rows++
      const row = readRow(record, place)
      if (typeof row === 'string') blame(info.lines, row)
      else take(row)
      if (rows % REPORT_EVERY === 0) onProgress?.(rows)
    }
  } catch (error) {
    throw asFeedError(file, error)
  }
  if (place === null) throw new FeedError(file, null, 'the file is empty')
  if (rows > 0 && unreadable >= rows) {
    const [first] = named
    throw new FeedError(file, first?.line ?? null, `no row can be read: ${first?.problem}`)
  }
  return { rows, unreadable, named, hasAmounts: place.amount !== null }
}

interface Parsed {
  readonly record: string[]
  readonly info: { readonly lines: number }
}

/** The one that the first line has most of; a decimal comma would else cut amounts in two. */
async function delimiterOf(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const head = buffer.subarray(0, bytesRead)
    const isZipped = head[0] === 0x1f && head[1] === 0x8b
    const text = (isZipped ? unzipHead(head) : head).toString('utf8')
    const line = text.slice(0, Math.max(0, text.search(/\r?\n|$/)))
    const counts = [',', ';', '\t', '|'].map(
      (delimiter) => [delimiter, line.split(delimiter).length] as const,
    )
    return counts.reduce((best, other) => (other[1] > best[1] ? other : best))[0]
  } finally {
    await handle.close()
  }
}

function unzipHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    // The stream that reads it all will say what is wrong.
    return Buffer.alloc(0)
  }
}

/** A file may begin with its first purchase. */
function headerless(record: readonly string[]): Place | null {
  if (record.length < 2 || dayOf(record[1]!) === null) return null
  return { member: 0, date: 1, amount: record.length > 2 ? 2 : null }
}

function placesOf(file: string, header: readonly string[]): Place {
  const names = header.map((name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))
  const find = (wanted: readonly string[]): number => {
    for (const name of wanted) {
      const at = names.indexOf(name)
      if (at >= 0) return at
    }
    return -1
  }
  const need = (what: 'member' | 'date', column: string): number => {
    const at = find(known[what])
    if (at >= 0) return at
    const hint = didYouMean(column, header)
    const found = header.slice(0, 10).map((name) => name.slice(0, 40))
    throw new FeedError(
      file,
      1,
      `there is no column ${column} in the first line (${found.join(', ')})${hint ? `; ${hint}` : ''}`,
    )
  }
  const amount = find(known.amount)
  return {
    member: need('member', 'memberId'),
    date: need('date', 'date'),
    amount: amount < 0 ? null : amount,
  }
}

const NOTHING = /^(|na|n\/a|null|nan|none)$/i
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i
const COMMA = /^[+-]?\d+,\d{1,2}$/
const LARGEST = 1e12

/** The row, or what is wrong with it. */
function readRow(record: readonly string[], place: Place): PurchaseRow | string {
  const memberId = record[place.member] ?? ''
  if (memberId === '') return 'the memberId is empty'
  if (memberId.length > LONGEST_ID) return `the memberId has more than ${LONGEST_ID} characters`
  const date = record[place.date] ?? ''
  const day = dayOf(date)
  if (day === null) return `date is a day such as 2026-03-01, not "${date.slice(0, 40)}"`
  const amount = place.amount === null ? '' : (record[place.amount] ?? '')
  if (NOTHING.test(amount)) return { memberId, day, cents: null }
  const number = PLAIN.test(amount)
    ? Number(amount)
    : COMMA.test(amount)
      ? Number(amount.replace(',', '.'))
      : Number.NaN
  if (Number.isNaN(number)) return `amount is a number such as 12.50, not "${amount.slice(0, 40)}"`
  if (Math.abs(number) > LARGEST)
    return `amount is at most ${LARGEST.toLocaleString('en')}, not "${amount.slice(0, 40)}"`
  return { memberId, day, cents: Math.round(number * 100) }
}

const remembered = new Map<string, number | null>()
const MOST_REMEMBERED = 100_000
const DAY = 86_400_000

/** Days since 1970 of a written day; a time after it is passed over. Null where there is no such day. */
export function dayOf(text: string): number | null {
  const known = remembered.get(text)
  if (known !== undefined) return known
  const day = readDay(text)
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  remembered.set(text, day)
  return day
}

const SHAPES = [
  /^(?<y>\d{4})([-/.])(?<m>\d{1,2})\2(?<d>\d{1,2})(?:[T ].*)?$/,
  /^(?<y>\d{4})(?<m>\d{2})(?<d>\d{2})$/,
  /^(?<d>\d{1,2})\.(?<m>\d{1,2})\.(?<y>\d{4})(?: .*)?$/,
]

function readDay(text: string): number | null {
  for (const shape of SHAPES) {
    const groups = shape.exec(text)?.groups
    if (groups === undefined) continue
    const [year, month, date] = [Number(groups.y), Number(groups.m), Number(groups.d)]
    const at = new Date(Date.UTC(year, month - 1, date))
    const exists = at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === date
    return exists && year >= 1900 && year <= 2199 ? at.getTime() / DAY : null
  }
  return null
}
