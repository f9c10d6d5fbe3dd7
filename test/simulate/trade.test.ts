/**
 * The programs of the trade under rules/examples-of-the-trade: each loads without an error or a warning, all
 * their examples pass, and editors accept them.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { packageRoot } from '../../src/db/package-root.ts'
import { readProgramFiles } from '../../src/program/files.ts'
import { loadProgram } from '../../src/program/load.ts'
import { jsonSchema } from '../../src/program/schema.ts'
import { runExamples } from '../../src/simulate/examples.ts'

const folder = join(packageRoot, 'rules/examples-of-the-trade')
const names = readdirSync(folder).sort()

// Each row: the program, and how many examples it has at least.
const least: Record<string, number> = {
  'alaska-distance': 4,
  'ana-premium-points': 4,
  'casino-card': 7,
  'downgrade-modes': 2,
  'flying-blue-xp': 3,
  'fuel-card': 4,
  'grand-hotels': 7,
  inactivity: 4,
  'neighbourhood-supermarket': 8,
  'northern-airline': 10,
  'qantas-milestones': 3,
  'supermarket-coalition': 9,
  'united-pqp': 3,
}

t.same(names, Object.keys(least))

const accepts = new Ajv({ strict: false, allErrors: true }).compile(jsonSchema())

for (const name of names) {
  t.test(name, async (t) => {
    const files = await readProgramFiles(join(folder, name))
    const { program, errors, warnings } = loadProgram(files)
    t.same(errors, [])
    t.same(warnings, [])
    const { passed, failed, errors: unread } = runExamples(program!, files)
    t.same(unread, [])
    t.same(failed, [])
    t.ok(passed >= least[name]!, `${passed} examples`)
    for (const [file, content] of files) {
      if (file.endsWith('.examples.yaml')) continue
      t.ok(accepts(parse(Buffer.from(content).toString())), `${file}: ${JSON.stringify(accepts.errors)}`)
    }
  })
}
