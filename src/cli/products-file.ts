/**
 * Reads a file of products bought, `memberId,date,product[,quantity]`, plain or gzipped, in any order; below
 * zero is taken back. Rows without a member are passed over, rows that cannot be read are counted.
 */
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import { didYouMean } from '../base/nearest.ts'
import type { BasketRow } from '../retention/baskets.ts'
import { asFeedError, FeedError, openText } from './feed.ts'
import { dayOf, known } from './purchases-file.ts'

const columns = {
  memberId: known.member,
  date: known.date,
  product: [
    'product',
    'productid',
    'sku',
    'stockcode',
    'item',
    'itemid',
    'article',
    'articleid',
    'productcode',
  ],
  quantity: ['quantity', 'qty', 'units', 'pieces', 'count'],
} as const

const MOST_ROW_BYTES = 64 * 1024
const MOST_ROWS = 20_000_000
const LONGEST = 200
const REPORT_EVERY = 50_000

export interface ProductsRead {
  readonly rows: BasketRow[]
  readonly read: number
  readonly unreadable: number
}

export async function readProducts(file: string, onProgress: (rows: number) => void): Promise<ProductsRead> {
  const streams = await openText(file)
  const parser = parse({
    bom: true,
    trim: true,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MOST_ROW_BYTES,
  })
  pipeline([...streams, parser], () => {})
  const rows: BasketRow[] = []
  let [read, unreadable] = [0, 0]
  let places: Places | null = null
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      if (places === null) {
        places = placesOf(file, record)
        continue
      }
      read += 1
      const row = readRow(record, places)
      if (row === null) unreadable += 1
      else rows.push(row)
      if (rows.length > MOST_ROWS) throw new FeedError(file, null, `it has more than ${MOST_ROWS} rows`)
      if (read % REPORT_EVERY === 0) onProgress(read)
    }
  } catch (error) {
    throw asFeedError(file, error)
  }
  if (rows.length === 0) throw new FeedError(file, null, 'there is no row with a member, a day and a product')
  return { rows, read, unreadable }
}

type Places = Readonly<Record<keyof typeof columns, number>>

function placesOf(file: string, header: readonly string[]): Places {
  const names = header.map((name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))
  const find = (column: keyof typeof columns): number => {
    for (const name of columns[column]) {
      const at = names.indexOf(name)
      if (at >= 0) return at
    }
    if (column === 'quantity') return -1
    const hint = didYouMean(column, header)
    const found = header.slice(0, 10).map((name) => name.slice(0, 40))
    const told = `there is no column ${column} in the first line (${found.join(', ')})`
    throw new FeedError(file, 1, `${told}${hint ? `; ${hint}` : ''}`)
  }
  return {
    memberId: find('memberId'),
    date: find('date'),
    product: find('product'),
    quantity: find('quantity'),
  }
}

function readRow(record: readonly string[], places: Places): BasketRow | null {
  const memberId = record[places.memberId] ?? ''
  const product = record[places.product] ?? ''
  const day = dayOf(record[places.date] ?? '')
  const quantity = places.quantity < 0 ? 1 : Number(record[places.quantity])
  const isText = (text: string) => text !== '' && text.length <= LONGEST
  if (!isText(memberId) || !isText(product) || day === null || !Number.isFinite(quantity) || quantity === 0)
    return null
  return { memberId, product, day, returned: quantity < 0 }
}
