/**
 * Tables of a program: rows found by a text, columns by name. Every row has every column and a column's
 * cells are of one type, so a formula that passes its check can only miss a row, never a cell.
 */

import { Decimal } from '../base/points.ts'
import type { MapNode, Node, Report, ScalarNode } from './node.ts'
import { problem } from './problem.ts'
import { numberHint } from './slips.ts'
import { readScalar, type Type, typeNames, type Value } from './value.ts'

export interface Table {
  /** by column: its type, and its cells by row; a table of plain values has one column without a name */
  readonly columns: ReadonlyMap<string, Column>
  readonly rows: ReadonlySet<string>
}

export interface Column {
  readonly type: Type
  readonly cells: ReadonlyMap<string, Value>
}

interface OpenColumn {
  readonly type: Type
  readonly cells: Map<string, Value>
}

/** Compiles `{ Y: { miles: 1.25 }, Z: { miles: 2 } }` or `{ short: 1, long: 2 }`; null after a report. */
export function compileTable(node: MapNode, report: Report): Table | null {
  const columns = new Map<string, OpenColumn>()
  let good = true
  const fail: Report = (found) => {
    good = false
    report(found)
  }

  if (node.entries.length === 0) fail(problem(node.at, 'a table needs at least one row'))
  for (const { key, value } of node.entries) {
    for (const { name, cell } of cellsOf(value, fail)) addCell({ columns, name, row: key, cell }, fail)
  }
  if (!good) return null

  const rows = new Set(node.entries.map(({ key }) => key))
  for (const { key, value } of node.entries) {
    const missing = [...columns].filter(([, column]) => !column.cells.has(key)).map(([name]) => name)
    if (missing.includes('')) fail(problem(value.at, `row ${key} has columns, other rows are plain values`))
    else if (missing.length > 0) fail(problem(value.at, `row ${key} lacks ${missing.join(', ')}`))
  }
  return good ? { columns, rows } : null
}

function cellsOf(row: Node, fail: Report): { name: string; cell: ScalarNode }[] {
  if (row.kind === 'scalar') return [{ name: '', cell: row }]
  if (row.kind === 'list') {
    fail(problem(row.at, 'expected a value, or columns with their values'))
    return []
  }
  if (row.entries.length === 0) fail(problem(row.at, 'a row needs at least one column'))
  return row.entries.flatMap(({ key, value }) => {
    if (value.kind === 'scalar') return [{ name: key, cell: value }]
    fail(problem(value.at, `expected a single value in column ${key}`))
    return []
  })
}

/** A share or a number as a spreadsheet shows it, where a number stands in a file. */
function cellHint(text: string): string | undefined {
  const share = /^(\d+(?:[.,]\d+)?)\s*%$/.exec(text)
  if (!share) return numberHint(text)
  const factor = new Decimal(share[1]!.replace(',', '.')).dividedBy(100).toFixed()
  return `write it as a factor: ${factor}; a text stands in quotes`
}

interface NewCell {
  readonly columns: Map<string, OpenColumn>
  readonly name: string
  readonly row: string
  readonly cell: ScalarNode
}

function addCell({ columns, name, row, cell }: NewCell, fail: Report): void {
  if (cell.type === 'null') {
    fail(problem(cell.at, 'a cell of a table has a value'))
    return
  }
  const slip = cell.type === 'text' && !cell.quoted ? cellHint(cell.text) : undefined
  if (slip !== undefined) {
    fail(problem(cell.at, `expected a value such as 1.25 or a text; got "${cell.text}"`, { hint: slip }))
    return
  }
  const type: Type = cell.type === 'text' ? { kind: 'text', oneOf: null } : { kind: cell.type }
  let column = columns.get(name)
  if (column === undefined) {
    column = { type, cells: new Map() }
    columns.set(name, column)
  }
  if (column.type.kind !== type.kind) {
    const label = name === '' ? 'the other rows are' : `column ${name} is`
    fail(problem(cell.at, `expected ${typeNames[column.type.kind]}, as ${label}, not "${cell.text}"`))
    return
  }
  const reading = readScalar(column.type, cell)
  if ('value' in reading) column.cells.set(row, reading.value)
  else fail(problem(cell.at, reading.message, reading))
}
