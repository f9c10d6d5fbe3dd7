/**
 * Reads a till feed: a CSV, plain or gzipped, of invoice lines. A file that is not what it should be is
 * refused with the line that shows it; nothing is guessed.
 */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CsvError, parse } from 'csv-parse'
import { didYouMean } from '../base/nearest.ts'
import { ToldError } from './command-line.ts'

export interface FeedRow {
  /** where the row begins in the file, the header being line 1 */
  readonly line: number
  readonly invoice: string
  readonly sku: string
  readonly quantity: number
  /** `YYYY-MM-DD HH:MM`, the till's wall clock */
  readonly local: string
  /** decimal text */
  readonly price: string
  /** empty where the till knew nobody */
  readonly customer: string
}

/** A fault of the file, with its place. */
export class FeedError extends ToldError {
  constructor(file: string, line: number | null, message: string) {
    super(line === null ? `${file}: ${message}` : `${file}:${line}: ${message}`)
    this.name = 'FeedError'
  }
}

const feedColumns = ['InvoiceNo', 'StockCode', 'Quantity', 'InvoiceDate', 'UnitPrice', 'CustomerID'] as const
type Column = (typeof feedColumns)[number]

const GZIP = [0x1f, 0x8b]
const MOST_ROW_BYTES = 64 * 1024

export async function* readFeed(file: string): AsyncGenerator<FeedRow> {
  const streams = await openText(file)
  const parser = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    max_record_size: MOST_ROW_BYTES,
    columns: (header: string[]) => checkHeader(file, header),
  })
  // A failure anywhere on the way ends the parser, and so the loop, with that error.
  pipeline([...streams, parser], () => {})
  try {
    let empty = true
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      empty = false
      yield readRow(file, record, info.lines)
    }
    if (empty) throw new FeedError(file, null, 'the file has no invoice lines')
  } catch (error) {
    throw asFeedError(file, error)
  }
}

interface Parsed {
  readonly record: Readonly<Record<Column, string>>
  readonly info: { readonly lines: number }
}

/** A file's text as it streams, plain or gzipped. */
export async function openText(file: string): Promise<Readable[]> {
  const zipped = await startsWith(file, GZIP)
  return zipped ? [createReadStream(file), createGunzip()] : [createReadStream(file)]
}

/** By content, because a name says little: feeds come as .csv that are gzip, and as .gz that are not. */
async function startsWith(file: string, magic: readonly number[]): Promise<boolean> {
  const entry = await stat(file).catch(() => null)
  if (entry === null) throw new FeedError(file, null, 'there is no such file')
  if (!entry.isFile()) throw new FeedError(file, null, 'this is not a file')
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(magic.length), 0, magic.length, 0)
    return bytesRead === magic.length && magic.every((byte, index) => buffer[index] === byte)
  } finally {
    await handle.close()
  }
}

function checkHeader(file: string, header: readonly string[]): string[] {
  for (const column of feedColumns) {
    if (header.includes(column)) continue
    const hint = didYouMean(column, header)
    const found = header.map((name) => name.slice(0, 40)).slice(0, 10)
    throw new FeedError(
      file,
      1,
      `there is no column ${column} in the first line (${found.join(', ')})${hint ? `; ${hint}` : ''}`,
    )
  }
  return [...header]
}

const shapes: Readonly<Record<Column, { readonly pattern: RegExp; readonly wanted: string }>> = {
  InvoiceNo: { pattern: /^[\w-]{1,40}$/, wanted: 'an invoice number' },
  StockCode: { pattern: /^\P{Cc}{1,64}$/u, wanted: 'a stock code' },
  Quantity: { pattern: /^-?\d{1,6}$/, wanted: 'a whole number such as 6 or -1' },
  InvoiceDate: {
    pattern: /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$/,
    wanted: 'a local time such as 2010-12-01 08:26',
  },
  UnitPrice: { pattern: /^-?\d{1,9}(\.\d{1,4})?$/, wanted: 'an amount such as 2.55' },
  CustomerID: { pattern: /^[\w.-]{0,64}$/, wanted: 'a customer number, or nothing' },
}

function readRow(file: string, record: Parsed['record'], line: number): FeedRow {
  for (const column of feedColumns) {
    const value = record[column]
    const { pattern, wanted } = shapes[column]
    if (!pattern.test(value))
      throw new FeedError(file, line, `${column} is ${wanted}, not "${value.slice(0, 40)}"`)
  }
  if (!isLocalTime(record.InvoiceDate)) {
    throw new FeedError(file, line, `there is no time "${record.InvoiceDate}" in the calendar`)
  }
  return {
    line,
    invoice: record.InvoiceNo,
    sku: record.StockCode,
    quantity: Number(record.Quantity),
    local: record.InvoiceDate,
    price: record.UnitPrice,
    customer: record.CustomerID,
  }
}

function isLocalTime(local: string): boolean {
  const at = new Date(`${local.replace(' ', 'T')}:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 16).replace('T', ' ') === local
}

/** A failure of reading, as a fault of the file with its place where it is one. */
export function asFeedError(file: string, error: unknown): unknown {
  if (error instanceof FeedError) return error
  if (error instanceof CsvError) {
    const { lines } = error as CsvError & { lines?: number }
    return new FeedError(file, lines ?? null, `this is no CSV: ${error.message}`)
  }
  const { code } = error as NodeJS.ErrnoException
  if (code?.startsWith('Z_'))
    return new FeedError(file, null, `the gzip is damaged: ${(error as Error).message}`)
  if (code === 'EACCES') return new FeedError(file, null, 'the file may not be read')
  return error
}
