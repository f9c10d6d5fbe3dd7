/** What is typed wrong is refused with exit code 2 and the nearest name; every command helps by example. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { commands, groups } from '../../src/cli/commands.ts'
import { milepost } from './outside.ts'

t.test('every command has a help with an example of itself, and all its options', async (t) => {
  for (const { name, load } of commands) {
    const { options } = await load()
    const { code, out, err } = await milepost([...name.split(' '), '--help'])
    t.equal(code, 0, `${name} --help`)
    t.equal(err, '', `${name} --help says nothing on standard error`)
    const examples = out.slice(out.indexOf('Examples'))
    t.match(examples, new RegExp(`^  .*milepost ${name}`, 'm'), `${name} has an example`)
    for (const option of ['help', ...Object.keys(options ?? {})]) {
      t.match(out, `--${option}`, `${name} shows --${option}`)
    }
    t.equal((await milepost(['help', ...name.split(' ')])).out, out, `help ${name} is the same`)
  }
})

t.test('the overview names every command, and each group its own', async (t) => {
  const { code, out } = await milepost(['help'])
  t.equal(code, 0)
  for (const { name } of commands) t.match(out, `milepost ${name} `)
  for (const group of groups) {
    const own = await milepost([group, '--help'])
    t.equal(own.code, 0)
    for (const { name } of commands)
      t.equal(own.out.includes(`milepost ${name} `), name.startsWith(`${group} `), name)
  }
})

t.test('a command that needs no room of the program loads none', async (t) => {
  const loaded = new Set<string>()
  const follow = (file: URL): void => {
    if (loaded.has(file.href)) return
    loaded.add(file.href)
    const text = readFileSync(file, 'utf8')
    for (const [, names = '', from = ''] of text.matchAll(/^import ([^']*)from '(\..*\.ts)'/gm))
      if (!names.startsWith('type ')) follow(new URL(from, file))
  }
  const top = new URL('../../src/', import.meta.url)
  // Tests may run compiled, beside the compiled program; what is imported says the sources.
  const sources = new URL(top.pathname.includes('/build/') ? '../../src/' : './', top)
  follow(new URL('main.ts', sources))
  const rooms = [...loaded].map((href) => href.slice(sources.href.length).split('/')[0])
  t.strictSame([...new Set(rooms)].sort(), ['base', 'cli', 'config.ts', 'db', 'main.ts'])
  t.notOk(
    [...loaded].some((href) => /-commands?\.ts$/.test(href)),
    'nor the code of any command',
  )
})

t.test('--version', async (t) => {
  t.strictSame(await milepost(['--version']), { code: 0, out: '0.0.0-test\n', err: '' })
})

// Each row: the words, and what standard error must say. Nothing may stand on standard output.
const wrong: readonly (readonly [string, string])[] = [
  ['', 'Commands'],
  ['rules', 'milepost rules check'],
  ['serv', 'unknown command "milepost serv"; did you mean "serve"?'],
  ['rules chekc', 'unknown command "milepost rules chekc"; did you mean "rules check"?'],
  ['ledger verfy --json', 'did you mean "ledger verify"?'],
  ['xyzzy', 'see milepost help'],
  ['help serv', 'did you mean "serve"?'],
  ['doctor --jsno', 'unknown option --jsno; did you mean "--json"?'],
  ['doctor -j', 'unknown option -j'],
  ['doctor --__proto__', 'unknown option --__proto__'],
  ['doctor --json --json', 'option --json is given twice'],
  ['doctor --json=yes', 'option --json takes no value'],
  ['doctor now', '"now" is one word too many'],
  ['members show', 'mem_…|kind:value is missing'],
  ['rules publish', 'path is missing'],
  ['rules publish /nowhere/at/all', 'there is no file or folder /nowhere/at/all'],
  ['rules check --format', 'option --format needs a value: FORMAT'],
  ['rules check --format jsn', 'one of text, json, not "jsn"; did you mean "json"?'],
  ['keys create --source till --scopes all', 'option --program PROGRAM is missing'],
  ['keys create --program p --source s --scopes members:raed', 'did you mean "members:read"?'],
  ['keys create --program p --source two,words --scopes all', 'a source is letters'],
  ['jobs run expir', 'there is no job "expir"; did you mean "expire"?'],
  ['jobs run expire --at yesterday', 'not "yesterday"'],
  ['jobs run expire --at 2026-02-30T00:00:00Z', 'not "2026-02-30T00:00:00Z"'],
  ['jobs run expire --at 2026-03-01', 'option --at is an instant'],
  ['import till-feed f.csv --program p --via http://127.0.0.1:8080', '--via and --key go together'],
  ['import till-feed f.csv --program p --via 127.0.0.1 --key k', '--via is a URL'],
]

t.test('wrong usage', async (t) => {
  for (const [words, message] of wrong) {
    const { code, out, err } = await milepost(words === '' ? [] : words.split(' '))
    t.equal(code, 2, `"${words}" is wrong usage`)
    t.match(err, message, `"${words}" says why`)
    t.equal(out, '', `"${words}" prints no result`)
  }
})

t.test('a setting that is none is wrong usage too', async (t) => {
  const { code, err } = await milepost(['keys', 'list'], { MILEPOST_DATE: 'x', PORT: 'many' })
  t.equal(code, 2)
  t.match(err, 'MILEPOST_DATE is no setting of Milepost: did you mean MILEPOST_DATA?')
  t.match(err, 'PORT=many')
})
