/**
 * Rows as one array parameter for each column, as `unnest` takes them. The array literals are written
 * here: the driver escapes element by element with regular expressions, which cost more than deciding.
 */

type Cell = string | number | bigint | boolean | Date | Json | null

/** JSON for a `::text[]` column that the statement casts to json. */
class Json {
  readonly literal: string

  constructor(value: unknown) {
    // JSON text has no bare control characters, so quoting it as JSON once more escapes just what an
    // array element must have escaped: quotes and backslashes.
    this.literal = JSON.stringify(JSON.stringify(value))
  }
}

export function json(value: unknown): Json {
  return new Json(value)
}

/** The columns in the order of `pick`; every row has the same ones. */
export function columns<Row>(rows: readonly Row[], pick: (row: Row) => Cell[]): string[] {
  const texts: string[] = []
  for (const row of rows) {
    const cells = pick(row)
    for (let index = 0; index < cells.length; index += 1) {
      const before = texts[index]
      texts[index] =
        before === undefined
          ? `{${element(cells[index] ?? null)}`
          : `${before},${element(cells[index] ?? null)}`
    }
  }
  return texts.map((text) => `${text}}`)
}

function element(cell: Cell): string {
  if (cell === null) return 'NULL'
  if (typeof cell === 'string') {
    return cell.includes('"') || cell.includes('\\') ? `"${cell.replace(/["\\]/g, '\\$&')}"` : `"${cell}"`
  }
  if (cell instanceof Json) return cell.literal
  if (cell instanceof Date) return instant(cell)
  return String(cell)
}

// A group writes the same few instants over and over.
const instants = new Map<number, string>()

function instant(at: Date): string {
  const time = at.getTime()
  let text = instants.get(time)
  if (text === undefined) {
    if (instants.size >= 1000) instants.clear()
    text = at.toISOString()
    instants.set(time, text)
  }
  return text
}
