/** Ids of commands: their order is the order in which the commands came, also within one millisecond. */
import t from 'tap'
import { idsOf, newCommandId } from '../../src/base/ids.ts'

t.test('a burst of command ids grows, and so do the ids of their rows', async (t) => {
  const ids = Array.from({ length: 20_000 }, newCommandId)
  t.strictSame(ids, [...ids].sort(), 'in order')
  t.equal(new Set(ids).size, ids.length, 'each its own')
  t.ok(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{8}0000$/.test(id)))
  const [first = '', second = ''] = ids
  const { next, beforehand } = idsOf(first)
  const own = next()
  const rows = [beforehand(next), beforehand(next), own, next()]
  t.equal(own, idsOf(first).next(), 'what comes beforehand makes no difference')
  t.strictSame([first, ...rows, second], [first, ...rows, second].sort())
})
