/**
 * A pack as bytes: the plain part as JSON, then the columns, each in the least of four widths that holds all of
 * its numbers. What is read is checked to be whole, so that half a file is no pack.
 */
import type { Pack } from './pack.ts'
import {
  readGoods,
  readMember,
  type WrittenGoods,
  type WrittenMember,
  writtenGoods,
  writtenMember,
} from './pack-plain.ts'

type Wide = Float64Array | Uint32Array | Uint8Array

const widths = {
  u8: Uint8Array,
  u16: Uint16Array,
  i32: Int32Array,
  f64: Float64Array,
} as const
type Width = keyof typeof widths

/** Of a column: its name, how wide its numbers are, and how many there are. */
type Told = readonly [name: string, width: Width | 'none', count: number]

interface Front {
  readonly columns: readonly Told[]
  readonly plain: Omit<Pack, 'sales' | 'sums' | 'lines' | 'members'> & {
    readonly members: readonly WrittenMember[]
    readonly goods: readonly WrittenGoods[]
  }
}

/** Columns by name, and what they are in memory. */
function columnsOf({ sales, sums, lines }: Pick<Pack, 'sales' | 'sums' | 'lines'>): [string, Wide][] {
  const { goods: _goods, ...ofLines } = lines
  return [sales, sums, ofLines].flatMap((group, place) =>
    Object.entries(group).map(([name, column]): [string, Wide] => [`${place}${name}`, column as Wide]),
  )
}

export function encodePack(pack: Pack): Buffer {
  const { heads, given, members, spends, lines } = pack
  const narrow = columnsOf(pack).map(([name, column]) => ({
    name,
    count: column.length,
    ...narrowed(column),
  }))
  const front: Front = {
    columns: narrow.map(({ name, width, count }) => [name, width, count]),
    plain: {
      ...{ heads, given, spends },
      members: members.map(writtenMember),
      goods: lines.goods.map(writtenGoods),
    },
  }
  const text = Buffer.from(JSON.stringify(front))
  const head = Buffer.alloc(8)
  head.writeUInt32LE(text.length, 0)
  head.writeUInt32LE(
    narrow.reduce((sum, { bytes }) => sum + padded(bytes.length), 0),
    4,
  )
  const parts: Uint8Array[] = [head, text, Buffer.alloc(padded(text.length) - text.length)]
  for (const { bytes } of narrow) parts.push(bytes, Buffer.alloc(padded(bytes.length) - bytes.length))
  return Buffer.concat(parts)
}

/** Null: these are not the bytes of a pack. */
export function decodePack(bytes: Buffer): Pack | null {
  if (bytes.length < 8) return null
  const text = bytes.readUInt32LE(0)
  const from = 8 + padded(text)
  if (bytes.length !== from + bytes.readUInt32LE(4)) return null
  const { columns, plain } = JSON.parse(bytes.toString('utf8', 8, 8 + text)) as Front
  const { heads, given, members, spends, goods } = plain
  const found = new Map<string, Wide>()
  let at = bytes.byteOffset + from
  for (const [name, width, count] of columns) {
    if (width === 'none') {
      found.set(name, noNumbers(count))
      continue
    }
    const stored = new widths[width](bytes.buffer as ArrayBuffer, at, count)
    const kind = kindOf(name)
    // What is as wide in memory is looked at where it lies.
    found.set(name, stored instanceof kind ? stored : new kind(stored))
    at += padded(stored.byteLength)
  }
  const column = <T extends Wide>(name: string) => found.get(name) as T
  // Nothing is spread here: what runs over packs is compiled once as long as they are all of one shape.
  return {
    heads,
    given,
    members: members.map(readMember),
    spends,
    sales: {
      at: column('0at'),
      recorded: column('0recorded'),
      head: column('0head'),
      line: column('0line'),
      spend: column('0spend'),
      sum: column('0sum'),
      id: column('0id'),
    },
    sums: { given: column('1given'), points: column('1points'), awards: column('1awards') },
    lines: {
      goods: goods.map(readGoods),
      place: column('2place'),
      net: column('2net'),
      quantity: column('2quantity'),
      tax: column('2tax'),
      gross: column('2gross'),
    },
  }
}

let nothing = new Float64Array()

/** One for all columns that have nothing to tell: nobody writes to what was read. */
function noNumbers(count: number): Float64Array {
  if (nothing.length < count) nothing = new Float64Array(count).fill(Number.NaN)
  return nothing.subarray(0, count)
}

const kinds: Readonly<Record<string, typeof Uint32Array | typeof Uint8Array>> = {
  ...{ '0head': Uint32Array, '0line': Uint32Array, '0sum': Uint32Array, '0id': Uint8Array },
  ...{ '1given': Uint32Array, '1awards': Uint32Array, '2place': Uint32Array },
}

function kindOf(name: string): typeof Float64Array | typeof Uint32Array | typeof Uint8Array {
  return kinds[name] ?? Float64Array
}

function narrowed(column: Wide): { width: Width | 'none'; bytes: Uint8Array } {
  const width = widthOf(column)
  if (width === 'none') return { width, bytes: Buffer.alloc(0) }
  const { buffer, byteLength } = new widths[width](column)
  return { width, bytes: Buffer.from(buffer as ArrayBuffer, 0, byteLength) }
}

/** `none`: there is not one number in it. */
function widthOf(column: Wide): Width | 'none' {
  let [least, most] = [0, 0]
  let whole = true
  let missing = 0
  for (const value of column) {
    if (Number.isNaN(value)) missing += 1
    else if (!Number.isInteger(value) || Object.is(value, -0)) whole = false
    if (value < least) least = value
    if (value > most) most = value
  }
  if (missing > 0) return missing === column.length ? 'none' : 'f64'
  if (!whole) return 'f64'
  if (least >= 0 && most < 2 ** 8) return 'u8'
  if (least >= 0 && most < 2 ** 16) return 'u16'
  return least >= -(2 ** 31) && most < 2 ** 31 ? 'i32' : 'f64'
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
