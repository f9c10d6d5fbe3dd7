/** Publishing in time: what is in force when, what can be withdrawn, and going back to an old version. */
import t from 'tap'
import { DomainError } from '../../src/base/errors.ts'
import type { Sql } from '../../src/db/connection.ts'
import { createPrograms, findVersion, stateOf } from '../../src/engine/programs.ts'
import { publish, withdraw } from '../../src/engine/publish.ts'
import { rollBack } from '../../src/simulate/publishable.ts'
import { freshDatabase } from '../support/database.ts'
import { RULES } from './shop.ts'

const files = (rate: number, more = '') =>
  new Map([['program.yaml', RULES.replace('1 point per 1 EUR', `${rate} points per 1 EUR`) + more]])
const at = (day: number) => new Date(Date.UTC(2026, 2, day))

async function published(sql: Sql, rate: number, days: { now: number; from?: number }): Promise<string> {
  const from = days.from === undefined ? {} : { at: at(days.from) }
  const { version } = await publish(sql, { files: files(rate), by: 'ada', now: at(days.now), ...from })
  return version
}

/** What happened to each version by a day, as `rate:state`, oldest effect first. */
async function states(sql: Sql, rates: ReadonlyMap<string, number>, day: number): Promise<string> {
  const programs = await createPrograms(sql)
  return programs
    .versions('shop')
    .map((one) => `${rates.get(one.version)}:${stateOf(one, at(day))}`)
    .join(' ')
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error) => (error instanceof DomainError ? error.code : String(error)),
  )
}

t.test('scheduled, withdrawn, replaced, back again', async (t) => {
  const { sql } = await freshDatabase(t)
  const rates = new Map<string, number>()
  const one = await published(sql, 1, { now: 1 })
  const two = await published(sql, 2, { now: 2, from: 10 })
  const three = await published(sql, 3, { now: 3, from: 20 })
  for (const [rate, version] of [one, two, three].entries()) rates.set(version, rate + 1)
  const inForce = async (day: number) => rates.get((await createPrograms(sql)).at('shop', at(day)).version)

  t.equal(await states(sql, rates, 5), '1:in_force 2:scheduled 3:scheduled')
  t.equal(await states(sql, rates, 12), '1:replaced 2:in_force 3:scheduled')
  t.strictSame([await inForce(5), await inForce(10), await inForce(25)], [1, 2, 3])

  await t.test('only what has not begun can be withdrawn', async (t) => {
    const by = { program: 'shop', by: 'bob', note: 'too dear' }
    t.equal(await codeOf(withdraw(sql, { ...by, version: two, now: at(10) })), 'rules_version_begun')
    t.equal(await codeOf(withdraw(sql, { ...by, version: one, now: at(5) })), 'rules_version_begun')
    t.equal(
      await codeOf(withdraw(sql, { ...by, version: 'f'.repeat(64), now: at(5) })),
      'rules_version_not_found',
    )
    t.equal(await codeOf(withdraw(sql, { ...by, version: two, now: at(5) })), 'done')
    t.equal(await codeOf(withdraw(sql, { ...by, version: two, now: at(5) })), 'rules_version_begun', 'once')
    t.equal(await states(sql, rates, 25), '1:replaced 2:withdrawn 3:in_force')
    t.strictSame([await inForce(12), await inForce(25)], [1, 3], 'the one before stays in force')
    const [, gone] = (await createPrograms(sql)).versions('shop')
    t.match(gone, { publishedBy: 'ada', withdrawn: { at: at(5), by: 'bob', note: 'too dear' } })
  })

  await t.test('rolled back by publishing the old one again', async (t) => {
    const back = { program: 'shop', version: one, by: 'eve', now: at(22) }
    const done = { version: one, effectiveFrom: at(22), until: null }
    t.match(await rollBack(sql, back), { ...done, published: true })
    t.match(await rollBack(sql, back), { ...done, published: false })
    t.strictSame([await inForce(21), await inForce(22)], [3, 1])
    t.equal(await states(sql, rates, 25), '1:replaced 2:withdrawn 3:replaced 1:in_force')
    const last = (await createPrograms(sql)).versions('shop').at(-1)
    t.match(last, { publishedBy: 'eve', note: `back to ${one.slice(0, 12)}` })
    t.equal(await codeOf(rollBack(sql, { ...back, version: 'e'.repeat(64) })), 'rules_version_not_found')
  })

  await t.test('told until when, where another one takes over; withdrawn ones never do', async (t) => {
    const past = { program: 'shop', version: two, by: 'eve', now: at(23), at: at(8) }
    t.match(await rollBack(sql, past), { published: true, effectiveFrom: at(8), until: at(20) })
    t.match(await rollBack(sql, past), { published: false, effectiveFrom: at(8), until: at(20) })
    t.strictSame([await inForce(9), await inForce(21), await inForce(23)], [2, 3, 1])
  })

  await t.test('a version is named by the beginning of its hash', async (t) => {
    const programs = await createPrograms(sql)
    t.equal(findVersion(programs, 'shop', two.slice(0, 6)), two)
    for (const text of [two.slice(0, 5), '', 'zzzzzz', `${two}0`, 'f'.repeat(64)]) {
      t.throws(() => findVersion(programs, 'shop', text), { code: 'rules_version_not_found' })
    }
  })

  await t.test('the database itself lets no publication change', async (t) => {
    for (const change of [
      `update rule_versions set note = 'x' where version = '${one}'`,
      `update rule_versions set files = '{}' where version = '${three}'`,
      `update rule_versions set effective_from = now() where version = '${three}'`,
      `update rule_versions set withdrawn_at = null, withdrawn_by = null where version = '${two}'`,
      `update rule_versions set withdrawn_at = effective_from, withdrawn_by = 'x' where version = '${three}'`,
      `delete from rule_versions where version = '${one}'`,
    ]) {
      await t.rejects(sql.unsafe(change), change)
    }
  })
})

t.test('what fails its examples is not published again either', async (t) => {
  const { sql } = await freshDatabase(t)
  // Stored past the gate, as a version that an older Milepost took.
  const wrong = new Map([
    ...files(1),
    [
      'shop.examples.yaml',
      'examples:\n  - name: ten\n    transaction: { occurredAt: 2026-03-02T10:00, lines: [{ net: 10 }] }\n    awards: { base: 11 points }\n',
    ],
  ])
  const { version } = await publish(sql, { files: wrong, by: 'ada', now: at(1) })
  await published(sql, 2, { now: 2 })
  const back = rollBack(sql, { program: 'shop', version, by: 'eve', now: at(3) })
  await t.rejects(back, { code: 'rules_invalid', details: { errors: [{ message: /example "ten" fails/ }] } })
})
