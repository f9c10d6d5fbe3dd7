/**
 * Runs test files, each in a process of its own, so many at a time. Whatever a file does, the run comes to its end
 * and says which file it was: one that hangs is killed, one that leaves a process behind is not waited for.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createTapCount, type FileReport } from './tap-count.ts'

export interface TestRun {
  readonly files: readonly string[]
  /** named in what is said about a file */
  readonly nameOf: (file: string) => string
  readonly jobs: number
  /** A file that says nothing for so long is killed, in milliseconds. */
  readonly silence: number
  /** What is left of a file that has ended is waited for so long, in milliseconds. */
  readonly grace: number
  readonly env: NodeJS.ProcessEnv
  readonly print: (text: string) => void
}

export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Prints each file with its count and time, each failure, and a last line `N passed, N failed`. */
export async function runTests(run: TestRun): Promise<Totals> {
  const totals = { passed: 0, failed: 0, skipped: 0 }
  const waiting = [...run.files]
  const job = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const since = performance.now()
      const report = await runFile(file, run)
      for (const part of ['passed', 'failed', 'skipped'] as const) totals[part] += report[part]
      const time = Math.round(performance.now() - since)
      const verdict = report.failed > 0 ? 'FAILED' : 'ok'
      run.print(`${report.failures}${verdict} ${report.name} (${report.passed} passed ${time} ms)\n`)
    }
  }
  await Promise.all(Array.from({ length: run.jobs }, job))
  const { passed, failed, skipped } = totals
  run.print(`\n${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`)
  return totals
}

const LAST_WORDS = 4_000
const running = new Set<ChildProcess>()

async function runFile(file: string, run: TestRun): Promise<FileReport> {
  const count = createTapCount(run.nameOf(file))
  const child = spawn(process.execPath, [file], { env: run.env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const closed = once(child, 'close').then(() => true)
  let stopped: string | undefined
  let words = ''
  const watch = setTimeout(() => {
    stopped = `no word for ${run.silence / 1000} s`
    child.kill('SIGKILL')
  }, run.silence)
  child.stdout.on('data', (chunk: Buffer) => {
    watch.refresh()
    count.write(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    words = `${words}${chunk}`.slice(-LAST_WORDS)
  })

  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(watch)
  running.delete(child)
  if (!(await within(run.grace, closed))) {
    stopped ??= 'it left a process behind that holds its output'
    child.stdout.destroy()
    child.stderr.destroy()
  }
  return count.end({ code, signal, words, ...(stopped === undefined ? {} : { stopped }) })
}

async function within(limit: number, work: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limit)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** Ends what runs: for a run that is broken off. */
export function killRunning(): void {
  for (const child of running) child.kill('SIGKILL')
}
