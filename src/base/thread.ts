/**
 * Threads: a file of ours run beside the main one. Compiled, the file is JavaScript; in development it is
 * TypeScript, and a thread does not inherit the loader of the process that starts it, so it is told of it.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads'

/**
 * Starts `file`, a URL of a module beside the caller's, named with the ending that the caller itself has.
 * Past its limits, such as `maxOldGenerationSizeMb`, the thread ends with ERR_WORKER_OUT_OF_MEMORY.
 */
export function startThread(file: URL, workerData: unknown, resourceLimits: ResourceLimits = {}): Worker {
  if (!file.pathname.endsWith('.ts')) return new Worker(file, { workerData, resourceLimits })
  const loader = import.meta.resolve('tsx/esm/api')
  const code = `import(${text(loader)}).then((tsx) => { tsx.register(); return import(${text(file.href)}) })`
  return new Worker(code, { eval: true, workerData, resourceLimits, execArgv: [] })
}

/** The module `name` beside the one whose `import.meta.url` is given: `.ts` beside `.ts`. */
export function besideOf(url: string, name: string): URL {
  return new URL(`./${name}.${url.endsWith('.ts') ? 'ts' : 'js'}`, url)
}

function text(value: string): string {
  return JSON.stringify(value)
}
