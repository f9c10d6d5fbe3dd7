/** `npm test` itself: what it counts of what a file says, and that every way to end badly is a failure. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from './support/server.ts'
import { createTapCount, type Ending } from './support/tap-count.ts'
import { runTests } from './support/test-run.ts'

const WELL: Ending = { code: 0, signal: null }
const BADLY: Ending = { code: 1, signal: null }

const passing = `    # Subtest: adds
        ok 1 - one
        ok 2 - two
        1..2
    ok 1 - adds
    ok 2 - not done # SKIP later
    1..2
`

const failing = `# Subtest: outer
    not ok 1 - one is two
      ---
      diff: this
      ...
    1..1
not ok 1 - outer
1..1
`

const short = `# Subtest: outer
    ok 1 - one
    1..2
not ok 1 - outer
1..1
`

const lines = (text: string) => text.replaceAll(/^ {4}/gm, '')

t.test('each row: what a file says, how it ends, and what is counted', async (t) => {
  const rows: readonly (readonly [string, string, Ending, string])[] = [
    ['all well', lines(passing), WELL, '2 passed, 0 failed, 1 skipped'],
    ['a failure', failing, BADLY, '0 passed, 1 failed, 0 skipped'],
    ['too few assertions', short, BADLY, '1 passed, 1 failed, 0 skipped'],
    ['all well, but the process ends badly', lines(passing), BADLY, '2 passed, 1 failed, 1 skipped'],
    ['a crash', 'ok 1 - before it\n', { code: null, signal: 'SIGSEGV' }, '1 passed, 1 failed, 0 skipped'],
    ['an early end that looks well', 'ok 1 - before it\n', WELL, '1 passed, 1 failed, 0 skipped'],
    [
      'stopped from outside',
      lines(passing),
      { ...WELL, stopped: 'too long' },
      '2 passed, 1 failed, 1 skipped',
    ],
    ['no test', '1..0\n', WELL, '0 passed, 1 failed, 0 skipped'],
    ['not even a start', '', BADLY, '0 passed, 1 failed, 0 skipped'],
    ['it gives up', 'Bail out! no server\n', BADLY, '0 passed, 1 failed, 0 skipped'],
  ]
  for (const [title, tap, ending, expected] of rows) {
    const count = createTapCount('a.test.js')
    count.write(`TAP version 14\n${tap}`)
    const { passed, failed, skipped } = count.end(ending)
    t.equal(`${passed} passed, ${failed} failed, ${skipped} skipped`, expected, title)
  }
})

t.test('a failure is told with its full name and its diagnostic', async (t) => {
  const failed = createTapCount('b.test.js')
  failed.write(`TAP version 14\n${failing}`)
  t.match(failed.end(BADLY).failures, 'not ok b.test.js > outer > one is two\n{\n  "diff": "this"\n}')
  const crashed = createTapCount('c.test.js')
  const { failures } = crashed.end({ code: null, signal: 'SIGSEGV', words: 'out of memory' })
  t.match(failures, 'not ok c.test.js: crashed, timed out or ended early')
  t.match(failures, /"signal": "SIGSEGV",\n {2}"words": "out of memory"/)
})

// Each row: a program, and what the run says of it.
const programs = [
  ['good.mjs', "console.log('ok 1 - one\\nok 2 - two\\n1..2')", 'ok good.mjs (2 passed'],
  [
    'silent.mjs',
    "console.log('ok 1 - one'); setInterval(() => {}, 1000)",
    'not ok silent.mjs: no word for 5 s',
  ],
  [
    'leaves.mjs',
    `import { spawn } from 'node:child_process'
     spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20_000)'], { stdio: 'inherit' }).unref()
     console.log('ok 1 - one\\n1..1')`,
    'not ok leaves.mjs: it left a process behind that holds its output',
  ],
  [
    'dies.mjs',
    "process.stderr.write('a last word', () => process.kill(process.pid, 'SIGKILL'))",
    '"signal": "SIGKILL",\n  "words": "a last word"',
  ],
] as const

t.test('a run comes to its end and names the file, whatever that does', async (t) => {
  const folder = temporaryFolder(t)
  for (const [name, text] of programs) writeFileSync(join(folder, name), text)
  let said = ''
  const totals = await runTests({
    files: programs.map(([name]) => join(folder, name)),
    nameOf: (file) => file.slice(folder.length + 1),
    jobs: 2,
    silence: 5000,
    grace: 500,
    env: process.env,
    print: (text) => (said += text),
  })
  for (const [name, , expected] of programs) t.match(said, expected, name)
  t.match(said, /\n4 passed, 3 failed\n$/, 'the last line')
  t.strictSame(totals, { passed: 4, failed: 3, skipped: 0 })
})
