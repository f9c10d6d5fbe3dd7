/** Reading a program's folder: what is taken, what is left out, and what a path may mean. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { readProgramFiles } from '../../src/program/files.ts'
import { loadProgram } from '../../src/program/load.ts'

const root = await mkdtemp(join(tmpdir(), 'milepost-files-'))
t.teardown(() => rm(root, { recursive: true }))

async function write(name: string, content = 'name: x\n'): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true })
  await writeFile(join(root, name), content)
}

await write('outside.yaml', 'secret: 1\n')
await write('cafe/program.yaml')
await write('cafe/earning.yaml')
await write('cafe/cafe.examples.yaml')
await write('cafe/old.yml')
await write('cafe/campaigns/may.yaml')
await write('cafe/campaigns/deep/june.yaml')
await write('cafe/.hidden.yaml')
await write('cafe/readme.md')
await mkdir(join(root, 'cafe/folder.yaml'))
await symlink(join(root, 'outside.yaml'), join(root, 'cafe/linked.yaml'))
await mkdir(join(root, 'linked'))
await write('linked/program.yaml')
await symlink(join(root, 'cafe/campaigns'), join(root, 'linked/campaigns'))
await write('alone/cafe.yaml')
await write('alone/cafe.examples.yaml')
await write('alone/other.yaml')
await write('huge/program.yaml', `# ${'x'.repeat(3 * 1024 * 1024)}`)
await mkdir(join(root, 'empty'))
await symlink(join(root, 'linked'), join(root, 'shortcut'))

const whole = 'cafe.examples.yaml campaigns/may.yaml earning.yaml old.yml program.yaml'
const rows = [
  ['cafe', whole], // regular files of the folder and of campaigns/, no links, nothing hidden or deeper
  ['cafe/program.yaml', whole], // the first file stands for its folder
  ['cafe/earning.yaml', 'earning.yaml'], // any other file for itself
  ['linked', 'program.yaml'], // a linked folder is not followed either
  ['alone/cafe.yaml', 'cafe.examples.yaml cafe.yaml'], // with the examples that carry its name
  ['shortcut', 'program.yaml'], // a path that is itself a link leads to its folder
  ['empty', ''],
] as const

for (const [path, expected] of rows) {
  t.test(path, async (t) => {
    const files = await readProgramFiles(join(root, path))
    t.equal([...files.keys()].sort().join(' '), expected)
  })
}

t.test('a file over the bound is told of, not read', async (t) => {
  const files = await readProgramFiles(join(root, 'huge'))
  t.match(loadProgram(files).errors[0], { file: 'program.yaml', message: 'a rule file is at most 1 MB' })
})

t.test('a folder without a program says what was looked for', async (t) => {
  const { errors } = loadProgram(await readProgramFiles(join(root, 'empty')))
  t.match(errors, [
    {
      file: 'program.yaml',
      message: 'there is no file "program.yaml" in the folder',
      hint: /`program: its-id`/,
    },
  ])
})

t.test('a path that is not there is the caller’s to tell of', async (t) => {
  await t.rejects(readProgramFiles(join(root, 'nowhere')), { code: 'ENOENT' })
})
