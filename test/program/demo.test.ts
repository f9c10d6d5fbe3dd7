/** The demo programs: they load without a word, and what they declare is what a reader would take them to mean. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { type ProgramFiles, readProgramFiles } from '../../src/program/files.ts'
import { loadProgram } from '../../src/program/load.ts'
import { jsonSchema } from '../../src/program/schema.ts'
import { contentHash } from '../../src/program/version.ts'
import { runExamples } from '../../src/simulate/examples.ts'

const text = (content: Uint8Array | string | undefined): string => Buffer.from(content ?? '').toString('utf8')

const names = (await readdir('rules')).filter((name) => existsSync(`rules/${name}/program.yaml`)).sort()
const demos: [string, ProgramFiles][] = []
for (const name of names) demos.push([name, await readProgramFiles(`rules/${name}`)])

async function demo(name: string) {
  const { program } = loadProgram(await readProgramFiles(`rules/${name}`))
  if (!program) throw new Error(`${name} does not load`)
  return program
}

t.same(names, ['corner-coffee', 'gift-shop', 'skyward'])

for (const [name, files] of demos) {
  t.test(`${name} loads without errors and warnings, and its examples pass`, async (t) => {
    const { program, errors, warnings } = loadProgram(files)
    t.same(errors, [])
    t.same(warnings, [])
    t.equal(program?.id, name)
    const run = runExamples(program!, files)
    t.same(run.errors, [])
    t.same(run.failed, [])
    t.ok(run.passed >= 5)
  })

  t.test(`editors that know the JSON Schema accept ${name}`, async (t) => {
    const validate = new Ajv({ strict: false, allErrors: true }).compile(jsonSchema())
    for (const [file, content] of files) {
      if (file.endsWith('.examples.yaml')) continue
      t.ok(validate(parse(text(content))), `${file}: ${JSON.stringify(validate.errors)}`)
    }
    t.notOk(validate({ earn: [{ id: 'a', on: 'purchase', award: '1 point', weekdya: 'x' }] }))
    t.notOk(validate({ retruns: 'negative' }))
  })
}

t.test('what corner-coffee declares', async (t) => {
  const program = await demo('corner-coffee')
  const beans = program.currencies.get('beans')!
  t.equal(program.money, 'EUR', 'the money of the first value')
  t.equal(beans.value?.amount.toFixed(), '0.05')
  t.same(beans.expiry, { kind: 'after', count: 12, unit: 'month', endOf: 'month' })
  t.same(beans.redeem, { minimum: 1n, maximum: null, step: 1n })
  t.same([...program.transactionTypes.keys()], ['purchase'])
  t.same(
    program.rules.rules.map(({ id }) => id),
    ['base', 'double-tuesday'],
  )
  t.match(program.rewards.get('espresso'), {
    currency: 'beans',
    costs: 40n,
    tier: null,
    from: null,
    until: null,
  })
  t.equal(program.returns, 'to_zero')
})

t.test('what gift-shop declares', async (t) => {
  const program = await demo('gift-shop')
  const points = program.currencies.get('points')!
  t.same(points.expiry, { kind: 'never' })
  t.same(points.redeem, { minimum: 500n, maximum: null, step: 500n })
  const [ladder] = program.ladders
  t.match(ladder, {
    id: 'main',
    period: { kind: 'rolling', months: 12 },
    validity: { kind: 'months', months: 12 },
    downgrade: 'one_step',
  })
  t.same(
    ladder!.tiers.map(({ id, rank, reach }) => [
      id,
      rank,
      reach?.kind === 'counter' && reach.atLeast.toFixed(),
    ]),
    [
      ['member', 0, false],
      ['silver', 1, '500'],
      ['gold', 2, '2000'],
    ],
  )
  t.match(program.rewards.get('twenty-pounds-off'), {
    costs: 1800n,
    tier: { ladder: 'main', tier: 'silver' },
  })
  t.equal(program.returns, 'negative')
})

t.test('what skyward declares, in several files', async (t) => {
  const program = await demo('skyward')
  const flight = program.transactionTypes.get('flight')!
  t.same(flight.fields.get('carrier'), {
    name: 'carrier',
    type: 'text',
    oneOf: ['own', 'partner'],
    required: true,
  })
  t.same(flight.fields.get('route'), { name: 'route', type: 'text', oneOf: null, required: false })
  t.equal(program.currencies.get('statusMiles')?.kind, 'qualifying')
  t.equal(program.rules.rules.at(-1)?.id, 'winter-long-haul', 'campaigns come last')
  const platinum = program.ladders[0]!.tiers.at(-1)!
  t.match(platinum.reach, { counter: 'points:statusMiles' })
  t.equal(platinum.reach?.kind === 'counter' && platinum.reach.atLeast.toFixed(), '75000')
  t.equal(platinum.keep?.kind === 'counter' && platinum.keep.atLeast.toFixed(), '60000')
  t.same(program.ladders[0]!.validity, { kind: 'period_end', extraPeriods: 1 })
})

t.test('decimals are those of the source', async (t) => {
  const amounts = ['1.10', '0.1', '0.30', '1000000.000001', '0.008']
  for (const amount of amounts) {
    const { program } = loadProgram(
      new Map([
        [
          'program.yaml',
          `program: p\ntimeZone: UTC\ncurrencies: { x: { value: ${amount} EUR } }\nearn: []\ntables: { r: { a: ${amount} } }\n`,
        ],
      ]),
    )
    t.equal(program?.currencies.get('x')?.value?.amount.toString(), amount.replace(/0$/, ''), amount)
  }
})

t.test('the version names the content', async (t) => {
  const files = new Map([
    ['a.yaml', 'x: 1'],
    ['b.yaml', 'y: 2'],
  ])
  const hash = contentHash(files)
  t.match(hash, /^[0-9a-f]{64}$/)
  t.equal(contentHash(new Map([...files].reverse())), hash, 'in whatever order')
  t.equal(
    contentHash(new Map([...files].map(([name, content]) => [name, new TextEncoder().encode(content)]))),
    hash,
    'as bytes',
  )
  const others = [
    [['a.yaml', 'x: 1']],
    [
      ['a.yaml', 'x: 1'],
      ['b.yaml', 'y: 3'],
    ],
    [
      ['a.yaml', 'x: 1'],
      ['c.yaml', 'y: 2'],
    ],
    [
      ['a.yaml', 'x: 1b.yaml'],
      ['', 'y: 2'],
    ],
  ] as const
  for (const other of others) t.not(contentHash(new Map(other)), hash)
})

t.test('a rule without an example and a program without any are warned of', async (t) => {
  const files = new Map(demos[0]![1])
  const examples = 'program.examples.yaml'
  files.set(examples, text(files.get(examples)).replaceAll(/, double-tuesday: \d+ beans/g, ''))
  t.match(loadProgram(files).warnings, [
    { file: 'program.yaml', line: 10, column: 9, message: /double-tuesday/ },
  ])
  files.delete(examples)
  t.match(loadProgram(files).warnings, [{ line: 1, column: 1, message: 'the program has no examples' }])
})
