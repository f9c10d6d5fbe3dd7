/**
 * What `npm test` prints: each file with its count and time, each failure with its full name and
 * diagnostic, and a last line `N passed, N failed` (`, N skipped` may follow). A file that crashed, timed
 * out or ran no test counts as one failure. A run that says nothing for minutes is ended: a process that
 * a test left behind keeps the runner waiting for ever.
 */
import { spawnSync } from 'node:child_process'
import { Transform, type TransformCallback } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Parser, type Result } from 'tap-parser'

interface FileCount {
  passed: number
  failed: number
  skipped: number
}

export default class PlainReporter extends Transform {
  readonly #parser = new Parser()
  readonly #total: FileCount = { passed: 0, failed: 0, skipped: 0 }
  #file: FileCount = { passed: 0, failed: 0, skipped: 0 }

  readonly #watch: NodeJS.Timeout

  /** `patience`: more than any one file may take (`timeout` in .taprc), in milliseconds. */
  constructor(patience = 360_000) {
    super()
    this.#watch = setTimeout(() => this.#giveUp(patience), patience)
    this.#listen(this.#parser, [])
    this.#parser.on('bailout', (reason: string) => this.#fail('bail out', reason))
  }

  /** Only innermost assertions count: a subtest's own line repeats what stood in it. */
  #listen(parser: Parser, names: readonly string[]): void {
    let subtests = 0
    parser.on('child', (child: Parser) => {
      subtests += 1
      if (names.length === 0) this.#file = { passed: 0, failed: 0, skipped: 0 }
      this.#listen(child, [...names, child.name])
    })
    parser.on('assert', (result: Result) => {
      const summary = subtests > 0
      subtests = 0
      if (names.length === 0) this.#fileDone(result)
      else if (!summary) this.#count(result, [...names, result.name])
      else if (!result.ok) this.#subtestFailed(result, [...names, result.name])
    })
  }

  #count(result: Result, names: readonly string[]): void {
    if (result.skip || result.todo) this.#file.skipped += 1
    else if (result.ok) this.#file.passed += 1
    else this.#fail(names.join(' > '), result.diag)
  }

  /** A subtest can fail with all its assertions passed: too few of them, or none, or too slow. */
  #subtestFailed(result: Result, names: readonly string[]): void {
    if (this.#file.failed === 0) this.#fail(names.join(' > '), result.diag)
  }

  #fileDone(result: Result): void {
    const { passed, failed, skipped } = this.#file
    const nothing = passed + failed + skipped === 0
    if (!result.ok && failed === 0)
      this.#fail(`${result.name}: crashed, timed out or ended early`, result.diag)
    else if (nothing) this.#fail(`${result.name}: no test in it`, result.diag)
    const bad = this.#file.failed > 0
    const time = result.time ? ` ${Math.round(result.time)} ms` : ''
    this.push(`${bad ? 'FAILED' : 'ok'} ${result.name} (${this.#file.passed} passed${time})\n`)
    this.#total.passed += this.#file.passed
    this.#total.failed += this.#file.failed
    this.#total.skipped += this.#file.skipped
    this.#file = { passed: 0, failed: 0, skipped: 0 }
  }

  #fail(name: string, diagnostic: unknown): void {
    this.#file.failed += 1
    const text = diagnostic ? `${JSON.stringify(diagnostic, null, 2).replaceAll('\\n', '\n')}\n` : ''
    this.push(`\nnot ok ${name}\n${text}`)
  }

  /** The server is stopped here, because the runner's own end is never reached. */
  #giveUp(patience: number): void {
    this.#fail(`no word for ${patience / 1000} s: a test left a process behind that holds its output`, null)
    process.stdout.write(this.#summary())
    spawnSync(process.execPath, [fileURLToPath(new URL('./after.js', import.meta.url))], { stdio: 'inherit' })
    process.exit(1)
  }

  #summary(): string {
    const { passed, failed, skipped } = this.#total
    return `\n${passed} passed, ${failed + this.#file.failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#watch.refresh()
    this.#parser.write(chunk)
    done()
  }

  override _flush(done: TransformCallback): void {
    clearTimeout(this.#watch)
    this.#parser.end()
    this.push(this.#summary())
    done()
  }
}
