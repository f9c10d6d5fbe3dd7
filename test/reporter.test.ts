/** The reporter that `npm test` prints with: what it counts, and its last line. */
import { text } from 'node:stream/consumers'
import t from 'tap'
import PlainReporter from './support/plain-reporter.ts'

async function report(tap: string): Promise<string> {
  const reporter = new PlainReporter()
  reporter.end(`TAP version 14\n${tap}`)
  return await text(reporter)
}

const passing = `# Subtest: build/test/a.test.js
    # Subtest: adds
        ok 1 - one
        ok 2 - two
        1..2
    ok 1 - adds
    ok 2 - not done # SKIP later
    1..2
ok 1 - build/test/a.test.js # time=12.5ms
`

const failing = `# Subtest: build/test/b.test.js
    # Subtest: outer
        not ok 1 - one is two
          ---
          diff: this
          ...
        1..1
    not ok 1 - outer
    1..1
not ok 2 - build/test/b.test.js
`

const crashed = `# Subtest: build/test/c.test.js
    ok 1 - before the crash
    1..1
not ok 3 - build/test/c.test.js
  ---
  signal: SIGSEGV
  ...
`

const silent = `# Subtest: build/test/d.test.js
    1..0
ok 4 - build/test/d.test.js # SKIP no tests found
`

const nothing = 'not ok 5 - build/test/e.test.js\n'

t.test('each row: what the run says, and the last line', async (t) => {
  const rows = [
    ['all well', `${passing}1..1\n`, '2 passed, 0 failed, 1 skipped'],
    ['a failure', `${failing}1..1\n`, '0 passed, 1 failed'],
    ['a crash', `${crashed}1..1\n`, '1 passed, 1 failed'],
    ['no test', `${silent}1..1\n`, '0 passed, 1 failed'],
    ['not even a start', `${nothing}1..1\n`, '0 passed, 1 failed'],
    ['several files', `${passing}${failing}${crashed}1..3\n`, '3 passed, 2 failed, 1 skipped'],
    ['the run gives up', 'Bail out! no server\n', '0 passed, 1 failed'],
  ] as const
  for (const [title, tap, last] of rows) {
    const lines = (await report(tap)).trimEnd().split('\n')
    t.equal(lines.at(-1), last, title)
  }
})

t.test('a failure is told with its full name and its diagnostic', async (t) => {
  const said = await report(`${failing}${crashed}1..2\n`)
  t.match(said, 'not ok build/test/b.test.js > outer > one is two\n{\n  "diff": "this"\n}')
  t.match(said, 'not ok build/test/c.test.js: crashed, timed out or ended early\n{\n  "signal": "SIGSEGV"\n}')
})
