/** The rules of the house, held over the whole tree; and each of them shown to be able to fail. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../src/db/package-root.ts'
import { openapiDocument } from '../src/http/openapi.ts'
import {
  findings,
  type PackageFile,
  packageFindings,
  readmeFindings,
  topFindings,
} from './support/house-rules.ts'

const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8')
const exists = (path: string) => existsSync(join(packageRoot, path))

function readTree(): Map<string, string> {
  const tree = new Map<string, string>()
  for (const folder of ['src', 'test', 'bench'].filter(exists)) {
    for (const name of readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })) {
      const path = `${folder}/${name.replaceAll('\\', '/')}`
      if (path.endsWith('.ts')) tree.set(path, read(path))
    }
  }
  return tree
}

const manifest = JSON.parse(read('package.json')) as PackageFile

t.test('the tree keeps the rules', async (t) => {
  const tree = readTree()
  t.ok(tree.size > 50, 'the tree is there to be looked at')
  t.strictSame(findings(tree), [])
  t.strictSame(topFindings(readdirSync(packageRoot)), [])
  t.strictSame(packageFindings(manifest, tree), [])
  const readme = exists('README.md') ? read('README.md') : ''
  t.strictSame(readmeFindings(readme, manifest.scripts, exists), [])
})

t.test('openapi/openapi.json is what the routes say', async (t) => {
  const document = JSON.parse(JSON.stringify(await openapiDocument()))
  t.strictSame(JSON.parse(read('openapi/openapi.json')), document, 'renew it with: npm run openapi')
})

// Each row: a tree of files by path (each opens with a comment), and what is found in it.
const rows: readonly (readonly [string, Record<string, string>, readonly string[]])[] = [
  ['down is fine', { 'src/engine/a.ts': "import { b } from '../db/b.ts'", 'src/db/b.ts': '' }, []],
  ['the same room is fine', { 'src/db/a.ts': "import { b } from './b.ts'", 'src/db/b.ts': '' }, []],
  [
    'up',
    { 'src/db/a.ts': "import type { B } from '../engine/b.ts'" },
    ['src/db/a.ts: imports src/engine/b.ts, which is not on a lower floor'],
  ],
  [
    'across one floor, over several lines',
    { 'src/cli/a.ts': "import {\n  b,\n  c,\n} from '../http/b.ts'" },
    ['src/cli/a.ts: imports src/http/b.ts, which is not on a lower floor'],
  ],
  [
    'up by export and by a call',
    { 'src/base/a.ts': "export * from '../db/b.ts'\nconst c = await import('../rules/c.ts')" },
    [
      'src/base/a.ts: imports src/db/b.ts, which is not on a lower floor',
      'src/base/a.ts: imports src/rules/c.ts, which is not on a lower floor',
    ],
  ],
  [
    'out of the program',
    { 'src/db/a.ts': "import { b } from '../../test/support/b.ts'" },
    ['src/db/a.ts: imports test/support/b.ts, which is not the program'],
  ],
  [
    'without the ending',
    { 'src/db/a.ts': "import { b } from './b'" },
    ['src/db/a.ts: imports ./b, which does not end in .ts'],
  ],
  [
    'a circle of types',
    {
      'src/db/a.ts': "import type { B } from './b.ts'",
      'src/db/b.ts': "import type { C } from './c.ts'",
      'src/db/c.ts': "import type { A } from './a.ts'",
    },
    ['a circle: src/db/a.ts -> src/db/b.ts -> src/db/c.ts -> src/db/a.ts'],
  ],
  ['an unknown room', { 'src/lib/a.ts': '' }, ['src/lib/a.ts: lib is no room']],
  ['too deep', { 'src/db/sub/a.ts': '' }, ['src/db/sub/a.ts: deeper than src/<room>/<file>.ts']],
  ['a name that says nothing', { 'src/db/utils.ts': '' }, ['src/db/utils.ts: the name says nothing']],
  ['too long', { 'src/db/a.ts': '\n'.repeat(400) }, ['src/db/a.ts: 401 lines, at most 400']],
  ['just not too long', { 'src/db/a.ts': '\n'.repeat(399) }, []],
  ['SQL in a room', { 'src/tiers/a.ts': 'sql`select 1`' }, [sqlIn('src/tiers/a.ts')]],
  ['typed SQL', { 'src/http/a.ts': 'await tx<{ a: string }[]>`select 1`' }, [sqlIn('src/http/a.ts')]],
  ['the driver', { 'src/http/a.ts': "import p from 'postgres'" }, [sqlIn('src/http/a.ts')]],
  ['SQL where it belongs', { 'src/http/queries.ts': 'sql`1`', 'src/engine/load.ts': 'sql`1`' }, []],
  [
    'a test left out',
    { 'test/a.test.ts': "t.sk\u0069p('x')" },
    ['test/a.test.ts:2: a test that is left out'],
  ],
  [
    'other cases each time',
    {
      'test/a.test.ts': "import fc from 'fast-chec\u006b'\nMath.rando\u006d()",
      'test/support/property.ts': "import fc from 'fast-chec\u006b'",
    },
    ['test/a.test.ts:2: chance without a seed', 'test/a.test.ts:3: chance without a seed'],
  ],
  ['left for later', { 'src/db/a.ts': '\n// TO\u0044O: more' }, ['src/db/a.ts:3: unfinished work']],
  ['a type given up', { 'src/db/a.ts': 'x as an\u0079' }, ['src/db/a.ts:2: a type that is given up']],
  ['words in a comment', { 'src/db/a.ts': 'x() // the same as any other' }, []],
  ['a method of that name', { 'src/rules/a.ts': 'list.skip(1)' }, []],
  ['hushed up', { 'bench/a.ts': '// @ts-ignor\u0065' }, ['bench/a.ts:2: a type error that is hushed up']],
]

function sqlIn(path: string): string {
  return `${path}: SQL outside of db/, queries.ts, load.ts and persist.ts`
}

t.test('each rule can fail', async (t) => {
  for (const [title, files, expected] of rows) {
    const tree = new Map(Object.entries(files).map(([path, text]) => [path, `/** What it is. */\n${text}`]))
    t.strictSame(findings(tree), expected, title)
  }
  t.strictSame(findings(new Map([['src/db/a.ts', 'export {}']])), [
    'src/db/a.ts: does not open with what it is',
  ])
  t.strictSame(findings(new Map([['src/main.ts', '#!/usr/bin/env node\n/** The program. */']])), [])
})

t.test('the rules about the package can fail', async (t) => {
  t.strictSame(topFindings(['src', '.ci', 'build', 'docs', 'biome.json']), [
    'docs: not at the top level',
    'biome.json: not at the top level',
  ])
  const scripts = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`s${index}`, '']))
  const tree = new Map([
    ['src/db/a.ts', "import x from '@a/b/c'\nimport fs from 'node:fs'\nimport y from 'y'"],
  ])
  t.strictSame(packageFindings({ scripts, dependencies: { y: '1' } }, tree), [
    'package.json: 11 scripts, at most 10',
    'src/db/a.ts: @a/b is not in dependencies',
  ])
  const readme =
    'npm ci && npm test, npm run lint, npm run gone; [x](LICENSE) [y](docs/y.md), see src/gone/a.ts.'
  const there = (path: string) => path === 'LICENSE'
  t.strictSame(readmeFindings(readme, { test: '', lint: '' }, there), [
    'README.md: npm run gone is no script',
    'README.md: links to docs/y.md, which is not there',
    'README.md: names src/gone/a.ts, which is not there',
  ])
})
