/**
 * Drafts are checked in a thread of their own: the answers are those of a check in place, one after the
 * other, and a draft that takes too long or too much is refused while the others get their answers.
 */
import t from 'tap'
import { readProgramFiles } from '../../src/program/files.ts'
import { checkProgram } from '../../src/simulate/check.ts'
import { createChecker } from '../../src/simulate/checker.ts'

const shop = await readProgramFiles('rules/corner-coffee')
const broken = new Map([['program.yaml', 'program: p\nearn: 5\n']])

t.test('the answers are those of a check in place, each to who asked', async (t) => {
  const checker = createChecker()
  const answers = await Promise.all([shop, broken, shop].map((files) => checker.check(files)))
  t.same(
    answers,
    await Promise.all([shop, broken, shop].map((files) => checkProgram({ files, beside: null }))),
  )
  t.match(answers[0], { program: 'corner-coffee', errors: [], examples: { failed: [] } })
  await checker.close()
})

t.test('what a draft would change is found out beside it', async (t) => {
  const checker = createChecker()
  const dearer = new Map(
    [...shop].map(([name, text]) => [
      name,
      Buffer.from(text).toString().replace('1 bean per', '2 beans per'),
    ]),
  )
  const { changes } = await checker.check(dearer, shop)
  t.match(changes, [{ kind: 'changed', text: /1 bean per 1 EUR of net -> 2 beans per 1 EUR of net/ }])
  t.same((await checker.check(shop, shop)).changes, [])
  t.equal((await checker.check(broken, shop)).changes, null)
  await checker.close()
})

t.test('a draft that takes too long is refused, and the next one is checked', async (t) => {
  const checker = createChecker({ longest: 1 })
  t.match(await checker.check(shop), {
    program: null,
    errors: [{ message: /takes too long/ }],
    examples: null,
  })
  await checker.close()
})

t.test('a draft that takes too much memory is refused', async (t) => {
  const checker = createChecker({ mostMemory: 4 })
  t.match(await checker.check(shop), { program: null, errors: [{ message: /too much memory/ }] })
  await checker.close()
})

t.test('more than may wait are turned away', async (t) => {
  const checker = createChecker({ mostWaiting: 1 })
  const first = checker.check(broken)
  const second = checker.check(broken)
  await t.rejects(checker.check(broken), { code: 'queue_full' })
  t.match([await first, await second], [{ program: null }, { program: null }])
  await checker.close()
})

t.test('closing turns away who still waits, and ends the thread', async (t) => {
  const checker = createChecker()
  const waiting = [checker.check(shop), checker.check(shop)]
  const refused = Promise.all(waiting.map((one) => t.rejects(one, { code: 'queue_full' })))
  await checker.close()
  await refused
})

t.test('an idle thread is let go, and another one started when it is needed', async (t) => {
  const checker = createChecker({ idle: 1 })
  await checker.check(broken)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.match(await checker.check(broken), { program: null })
  await checker.close()
})
