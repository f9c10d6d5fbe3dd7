/**
 * Tables of a program: every row has every column, every column one type.
 */
import t from 'tap'
import { checkTable } from './fixtures.ts'

t.test('rows and columns', async (t) => {
  const fares = checkTable(
    '{ Y: { miles: 1.10, name: Flex, refund: true }, 7: { miles: 2, name: Light, refund: false } }',
  ).value
  t.same([...(fares?.rows ?? [])], ['Y', '7'])
  t.same(
    [...(fares?.columns ?? [])].map(
      ([name, { type, cells }]) => `${name} ${type.kind} ${[...cells.values()].join(' ')}`,
    ),
    ['miles number 1.1 2', 'name text Flex Light', 'refund boolean true false'],
  )
  const plain = checkTable('{ short: 1, long: 2.50 }').value
  t.same(
    [...(plain?.columns.get('')?.cells ?? [])].map(([row, cell]) => `${row} ${cell}`),
    ['short 1', 'long 2.5'],
  )
})

t.test('wrong tables', async (t) => {
  const rows = [
    ['{ }', ': a table needs at least one row'],
    ['{ Y: [1] }', 'Y: expected a value, or columns with their values'],
    ['{ Y: { } }', 'Y: a row needs at least one column'],
    ['{ Y: { miles: [1] } }', 'Y.miles: expected a single value in column miles'],
    ['{ Y: }', 'Y: a cell of a table has a value'],
    ['{ Y: { miles: 1, points: 2 }, M: { miles: 1 } }', 'M: row M lacks points'],
    ['{ Y: { miles: 1 }, M: { mils: 1 } }', 'Y: row Y lacks mils|M: row M lacks miles'],
    ['{ Y: { miles: 1 }, M: { miles: one } }', 'M.miles: expected a number, as column miles is, not "one"'],
    ['{ Y: 1, M: one }', 'M: expected a number, as the other rows are, not "one"'],
    ['{ Y: 1, M: { miles: 1 } }', 'Y: row Y lacks miles|M: row M has columns, other rows are plain values'],
    ['{ Y: 1e3 }', 'Y: expected a number such as 12.5, not "1e3" (write the number with all its digits)'],
  ] as const
  for (const [text, expected] of rows) {
    const { value, problems } = checkTable(text)
    t.equal(problems.join('|'), expected, text)
    t.equal(value, null)
  }
})
