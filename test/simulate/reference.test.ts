/** The reference in rules/README.md: each numbered example is a program that loads, and its examples come out. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse, parseDocument, YAMLMap } from 'yaml'
import { packageRoot } from '../../src/db/package-root.ts'
import { loadProgram } from '../../src/program/load.ts'
import { jsonSchema } from '../../src/program/schema.ts'
import { runExamples } from '../../src/simulate/examples.ts'

const text = readFileSync(join(packageRoot, 'rules/README.md'), 'utf8')
const common = keysOf(/```yaml common\n(.*?)```/s.exec(text)?.[1] ?? '')
const sections = [...text.matchAll(/^### (\d+)\. (.*?)\n(.*?)(?=^##|(?![\s\S]))/gms)].map((match) => ({
  number: Number(match[1]),
  title: match[2]!,
  blocks: [...match[3]!.matchAll(/```yaml\n(.*?)```/gs)].map((block) => block[1]!),
}))

/** The top-level keys of YAML with their source. */
function keysOf(source: string): Map<string, string> {
  const document = parseDocument(source)
  const keys = new Map<string, string>()
  if (!(document.contents instanceof YAMLMap)) return keys
  const starts = document.contents.items.map(
    (pair) => pair.key as unknown as { range: number[]; value: string },
  )
  for (const [index, { range, value }] of starts.entries())
    keys.set(value, source.slice(range[0], starts[index + 1]?.range[0] ?? source.length))
  return keys
}

t.ok(sections.length >= 33, `${sections.length} things can be said`)
t.same(
  sections.map(({ number }) => number),
  sections.map((_, index) => index + 1),
  'numbered without a gap',
)

// What the checker accepts, an editor that knows the schema must not underline.
const accepts = new Ajv({ strict: false, allErrors: true }).compile(jsonSchema())

let shown = 0
for (const { number, title, blocks } of sections) {
  t.test(`${number}. ${title}`, async (t) => {
    t.equal(blocks.length, 1, 'one example each')
    const own = keysOf(blocks[0]!)
    const examples = own.get('examples')
    own.delete('examples')
    const program = [...new Map([...common, ...own]).values()].join('')
    const files = new Map([['program.yaml', program]])
    if (examples) files.set('program.examples.yaml', examples)
    const loaded = loadProgram(files)
    t.same(loaded.errors, [])
    t.ok(accepts(parse(program)), JSON.stringify(accepts.errors))
    const run = runExamples(loaded.program!, files)
    t.same(run.errors, [])
    t.same(
      run.failed.map(({ name, differences, trace }) => [name, differences, trace]),
      [],
    )
    shown += run.passed
  })
}
t.test('the examples are run', async (t) => {
  t.ok(shown >= 40, `${shown} examples`)
})
