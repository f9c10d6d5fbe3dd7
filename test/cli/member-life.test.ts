/** `milepost members merge|unmerge|close|reopen|erase|export` on a database, in the words that a person types. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HOUSEHOLD, purchase } from '../engine/household.ts'
import { startEngine } from '../support/engine.ts'
import { temporaryFolder } from '../support/server.ts'
import { milepost } from './outside.ts'

t.setTimeout(600_000)

t.test('merged, un-merged, closed, opened again, exported and erased', async (t) => {
  const engine = await startEngine(t, HOUSEHOLD)
  const env = { DATABASE_URL: engine.url }
  const now = () => engine.now()
  const words = (text: string) => milepost(text.split(' '), env, now)
  const told = async (text: string) => JSON.parse((await words(`${text} --json`)).out)
  const [ann, dup] = [await engine.enrol('ann'), await engine.enrol('dup')]
  await engine.run(purchase(ann, 1000))
  await engine.run(purchase(dup, 234))
  const id = (memberId: string) => `mem_${memberId.replaceAll('-', '')}`

  const merged = await words('members merge card:ann card:dup')
  t.match(merged, { code: 0, err: '' })
  t.match(merged.out, `${id(ann)} has 1,234 points`)
  t.match(merged.out, `${id(dup)} is merged and has 0 points`)
  t.match(await told('members show card:dup'), {
    memberId: id(ann),
    identifiers: [{ value: 'ann' }, { value: 'dup' }],
    duplicates: [id(dup)],
  })
  t.match(await words('members merge card:ann card:dup'), { code: 1, err: /not active/ })
  t.match(await told('members unmerge card:ann card:dup --ref once'), { duplicate: { status: 'active' } })
  t.match(await told('members unmerge card:ann card:dup --ref once'), { duplicate: { status: 'active' } })

  t.match(await words('members close card:dup --reason moved'), { code: 0, out: `${id(dup)} is closed\n` })
  t.match(await words('members reopen card:dup'), { code: 0, out: `${id(dup)} is active\n` })

  const file = join(temporaryFolder(t), 'ann.json')
  t.match(await words(`members export card:ann --out ${file}`), { code: 0, out: '', err: /wrote/ })
  t.match(JSON.parse(readFileSync(file, 'utf8')), {
    member: { memberId: id(ann) },
    identifiers: [{ value: 'ann' }],
  })
  t.notOk(existsSync(`${file}.part`))
  t.strictSame(
    JSON.parse((await words('members export card:ann')).out),
    JSON.parse(readFileSync(file, 'utf8')),
    'and the same on standard output',
  )
  t.match(await words(`members export card:ann --out /nowhere/at/all`), { code: 1, err: /ENOENT/ })

  t.match(await words('members erase card:ann'), { code: 2, err: /--yes/ })
  t.match(await told('members erase card:ann --yes'), { status: 'erased', identifiers: [] })
  t.match(await words('members show card:ann'), { code: 1, err: /No member has this identifier/ })
  t.match(await words('members close card:nobody'), { code: 1, err: /No member has this identifier/ })
  t.same(await engine.findings(), [])
})
