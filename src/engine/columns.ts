/**
 * Rows as one array parameter for each column, as `unnest` takes them. The array literals are written
 * here: the driver escapes element by element with regular expressions, which cost more than deciding.
 */

type Cell = string | number | bigint | boolean | Date | Json | null

/** JSON for a `::text[]` column that the statement casts to jsonb. */
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
  const cells = rows.map(pick)
  const width = cells[0]?.length ?? 0
  return Array.from(
    { length: width },
    (_, index) => `{${cells.map((row) => element(row[index] ?? null)).join(',')}}`,
  )
}

const PLAIN = /^[A-Za-z0-9_.:-]+$/
const SPECIAL = /["\\]/g

function element(cell: Cell): string {
  if (cell === null) return 'NULL'
  // Four letters might be the word NULL.
  if (typeof cell === 'string') {
    return PLAIN.test(cell) && cell.length !== 4 ? cell : `"${cell.replace(SPECIAL, '\\$&')}"`
  }
  if (cell instanceof Date) return cell.toISOString()
  if (cell instanceof Json) return cell.literal
  return String(cell)
}
