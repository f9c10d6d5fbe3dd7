/** Programs that the benchmark runs: found on PATH, run to their end, ended with the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** The program's full path, or null where it is not installed. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')]
  for (const folder of folders.filter((one) => one !== '')) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // not in this folder
    }
  }
  return null
}

const running = new Set<ChildProcess>()

/** Children get the interrupt of a terminal themselves; this is for a benchmark that fails on its way. */
export function endChildren(): void {
  for (const child of running) child.kill('SIGTERM')
}

export interface Run {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** each line of standard error, as it comes */
  readonly onLine?: (line: string) => void
}

/** Runs a program to its end and returns what it printed; fails with its last words. */
export function run({ program, args, env, onLine }: Run): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let printed = ''
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  // pgbench draws its progress over itself, so a carriage return ends a line as well.
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split(/[\r\n]+/).filter((one) => one.trim() !== '')) {
      lines.push(line)
      if (lines.length > 20) lines.shift()
      onLine?.(line)
    }
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      running.delete(child)
      if (code === 0) resolve(printed)
      else reject(new Error(`${program} ended with ${code}:\n${lines.join('\n')}`))
    })
  })
}
