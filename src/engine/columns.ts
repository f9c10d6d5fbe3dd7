/**
 * Rows as one parameter for each column, as `unnest` takes them. The array literals are written here: the
 * driver escapes element by element with regular expressions, which cost more than deciding.
 *
 * Documents travel as one text instead, parted by a character that JSON never holds, and the statement takes
 * them apart with `string_to_array(…, chr(30), '')`: nothing has to be escaped here and unescaped there.
 */
import { showInstant } from '../base/time.ts'

type Cell = string | number | bigint | boolean | Date | Document | null

/** JSON text; in a column of documents, null is the empty text. */
class Document {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const BETWEEN = '\u001e'

export function json(value: unknown): Document {
  return new Document(JSON.stringify(value))
}

/** What is JSON text already. */
export function document(text: string): Document {
  return new Document(text)
}

export const noDocument = new Document('')

/** The columns in the order of `pick`; every row has the same ones. */
export function columns<Row>(rows: readonly Row[], pick: (row: Row) => Cell[]): string[] {
  const columns: string[][] = []
  const isOfDocuments: boolean[] = []
  for (const row of rows) {
    const cells = pick(row)
    for (let index = 0; index < cells.length; index += 1) {
      const cell = cells[index]!
      const isDocument = cell instanceof Document
      if (isDocument) isOfDocuments[index] = true
      const text = isDocument ? cell.text : element(cell)
      const column = columns[index]
      if (column) column.push(text)
      else columns[index] = [text]
    }
  }
  // Joined once: a text that grows piece by piece has to be flattened before it is sent.
  return columns.map((texts, index) => (isOfDocuments[index] ? texts.join(BETWEEN) : `{${texts.join(',')}}`))
}

const ESCAPED = /["\\]/

function element(cell: Exclude<Cell, Document>): string {
  if (cell === null) return 'NULL'
  if (typeof cell === 'string') {
    return ESCAPED.test(cell) ? `"${cell.replace(/["\\]/g, '\\$&')}"` : `"${cell}"`
  }
  return cell instanceof Date ? showInstant(cell) : String(cell)
}
