/**
 * Checks drafts in a thread of its own, one after the other. A draft can cost this process neither its
 * attention nor its memory: the thread ends when it takes too long or too much, and the draft is refused.
 */
import type { Worker } from 'node:worker_threads'
import { DomainError, type Fault } from '../base/errors.ts'
import { besideOf, startThread } from '../base/thread.ts'
import type { ProgramFiles } from '../program/files.ts'
import type { Checked, ToCheck } from './check.ts'

export interface Checker {
  /** Refuses `queue_full` when too many drafts wait already. `beside`: files that the draft would change. */
  check(files: ProgramFiles, beside?: ProgramFiles): Promise<Checked>
  close(): Promise<void>
}

export interface CheckerBounds {
  /** milliseconds for one draft */
  readonly longest?: number
  /** megabytes of heap */
  readonly mostMemory?: number
  /** drafts that may wait */
  readonly mostWaiting?: number
  /** milliseconds after which an idle thread is let go */
  readonly idle?: number
}

interface Waiting {
  readonly task: ToCheck
  readonly resolve: (checked: Checked) => void
  readonly reject: (error: Error) => void
}

export function createChecker({
  longest = 30_000,
  mostMemory = 256,
  mostWaiting = 8,
  idle = 60_000,
}: CheckerBounds = {}): Checker {
  const waiting: Waiting[] = []
  let thread: Worker | null = null
  let current: Waiting | null = null
  let timer: NodeJS.Timeout | undefined

  function next(): void {
    if (current !== null) return
    const found = waiting.shift()
    clearTimeout(timer)
    if (found === undefined) {
      thread?.unref()
      timer = setTimeout(() => void letGo(), idle).unref()
      return
    }
    current = found
    thread ??= start()
    thread.ref()
    timer = setTimeout(giveUp, longest)
    thread.postMessage(found.task)
  }

  function start(): Worker {
    const file = besideOf(import.meta.url, 'check-thread')
    const started = startThread(file, null, { maxOldGenerationSizeMb: mostMemory })
    started.on('message', (checked: Checked) => {
      if (thread === started) settle((one) => one.resolve(checked))
    })
    started.on('error', (error: Error & { code?: string }) => {
      if (thread !== started) return
      thread = null
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') settle((one) => one.resolve(refused(TOO_MUCH)))
      else settle((one) => one.reject(error))
    })
    return started
  }

  function settle(tell: (one: Waiting) => void): void {
    const done = current
    current = null
    if (done !== null) tell(done)
    next()
  }

  async function letGo(): Promise<void> {
    const ending = thread
    thread = null
    await ending?.terminate()
  }

  function giveUp(): void {
    void letGo()
    settle((one) => one.resolve(refused(TOO_LONG)))
  }

  return {
    check(files, beside) {
      if (waiting.length >= mostWaiting) return Promise.reject(new DomainError('queue_full'))
      return new Promise((resolve, reject) => {
        waiting.push({ task: { files, beside: beside ?? null }, resolve, reject })
        next()
      })
    },
    async close() {
      clearTimeout(timer)
      for (const one of waiting.splice(0)) one.reject(new DomainError('queue_full'))
      current?.reject(new DomainError('queue_full'))
      current = null
      await letGo()
    },
  }
}

const TOO_LONG: Fault = {
  path: '',
  message: 'checking these files takes too long',
  hint: 'leave some of them out',
}
const TOO_MUCH: Fault = {
  path: '',
  message: 'checking these files takes too much memory',
  hint: 'leave some of them out',
}

function refused(why: Fault): Checked {
  return { program: null, errors: [why], warnings: [], examples: null, changes: null }
}
