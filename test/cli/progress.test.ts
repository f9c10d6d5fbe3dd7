/** The progress bar: for people only, and for work that takes longer than two seconds. */
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { barWords, createTerminal } from '../../src/cli/terminal.ts'
import { until } from '../support/until.ts'

t.setTimeout(600_000)
// they wait more than they work
t.jobs = 3

function screen(isTTY: boolean) {
  const [out, err] = [new PassThrough(), new PassThrough()]
  let shown = ''
  err.on('data', (chunk: Buffer) => {
    shown += chunk.toString()
  })
  // what the bar asks of a terminal beside writing to it
  const asTerminal = Object.assign(err, {
    isTTY,
    columns: 100,
    cursorTo() {},
    moveCursor() {},
    clearLine() {},
  })
  const terminal = createTerminal({
    out: out as unknown as NodeJS.WriteStream,
    err: asTerminal as unknown as NodeJS.WriteStream,
    env: {},
  })
  return { terminal, shown: () => shown }
}

t.test('the time left goes by what is done so far', async (t) => {
  // Each row: what is done of how much, after how many seconds, and what is told.
  const rows = [
    [0, 10, 4.4, '0/10 4 s'],
    [5, 10, 4.4, '5/10 4 s, 5 s to go'],
    [10, 10, 4.4, '10/10 4 s, 0 s to go'],
    [1, 10, 20, '1/10 20 s, 3 min 0 s to go'],
    [1, 1000, 20, '1/1000 20 s, 5 h 33 min to go'],
  ] as const
  for (const [done, total, elapsed, told] of rows) t.equal(barWords({ done, total }, elapsed), told)
})

t.test('before it is known how much there is, only time is told', async (t) => {
  const { terminal, shown } = screen(true)
  const progress = terminal.progress('verifying')
  await until('the bar is there', () => shown().includes('verifying'))
  t.match(shown(), / 0% \d+ s(?!,)/)
  t.notMatch(shown(), '0/1')
  progress.stop()
})

t.test('short work shows nothing', async (t) => {
  const { terminal, shown } = screen(true)
  const progress = terminal.progress('verifying')
  progress.update(1, 2)
  progress.update(2, 2)
  progress.stop()
  await sleep(2_500)
  t.equal(shown(), '')
})

t.test('long work shows a bar after two seconds, also within a step that takes its time', async (t) => {
  const { terminal, shown } = screen(true)
  const startedAt = performance.now()
  const progress = terminal.progress('verifying')
  progress.update(1, 4)
  await until('the bar is there', () => shown().includes('verifying'))
  t.ok(performance.now() - startedAt >= 1_990, 'not before')
  t.match(shown(), /25% 1\/4 \d+ s/)
  const before = shown().length
  await until('it is drawn again without an update', () => shown().length > before)
  progress.update(3, 4)
  await until('and moves on', () => /75% 3\/4/.test(shown()))
  progress.stop()
  const atEnd = shown()
  await sleep(1_200)
  t.equal(shown(), atEnd, 'nothing after the end')
})

t.test('where nobody is looking there is no bar', async (t) => {
  const { terminal, shown } = screen(false)
  const progress = terminal.progress('verifying')
  await sleep(2_100)
  progress.update(1, 4)
  progress.stop()
  t.equal(shown(), 'verifying: 1 of 4\n')
})
