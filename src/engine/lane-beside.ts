/**
 * The lane on a thread of its own, so that reading requests and deciding them do not wait for each other. A
 * command crosses as the text that the log keeps, its answer as the text that goes out; what came in, or was
 * committed, in one turn of the event loop crosses in one message.
 */
import type { MessagePort, Worker } from 'node:worker_threads'
import { DomainError } from '../base/errors.ts'
import type { Command, Reply, Request } from './command.ts'
import type { Lane } from './lane.ts'

/** A command as it crosses: its request is its text, read again. */
type Sent = Omit<Command, 'request'> & { readonly call: number }

type ToThread = { readonly commands: readonly Sent[] } | 'close'

interface Group {
  readonly size: number
  readonly seconds: number
}

type Answer = { readonly call: number } & (
  | { readonly reply: Reply }
  | { readonly refusal: Pick<DomainError, 'code' | 'details' | 'message'> }
  /** an error is copied without its code, which the door and the log look at */
  | { readonly failure: Error; readonly code: unknown }
)

type FromThread = 'ready' | { readonly answers: Answer[]; readonly groups: Group[]; areRulesNew: boolean }

/** What the thread hears of its lane beside the answers. */
export interface Ears {
  onGroup(group: Group): void
  /** rules were published, and commands are decided under them */
  onRules(): void
}

export interface BesideOptions {
  /** runs `serveLane` */
  readonly thread: Worker
  /** previews, which write nothing, are made here */
  readonly previews: Pick<Lane, 'preview'>
  /** commands at most without an answer; more are refused with `queue_full` */
  readonly limit: number
  /** Awaited before the first answer under new rules is given: who has it may ask about these rules. */
  onRules(): Promise<unknown>
  onGroup?(group: Group): void
}

/**
 * The lane of a thread, as everybody knows a lane; resolves when the thread is ready. Where the thread ends by
 * itself, all that waits for it is rejected, and the error that ended it is the process's.
 */
export async function laneBeside(options: BesideOptions): Promise<Lane> {
  const { thread, previews, limit, onRules, onGroup } = options
  const waiting = new Map<number, { resolve(reply: Reply): void; reject(error: unknown): void }>()
  let unsent: Sent[] = []
  let calls = 0
  let closed = false
  let informed: Promise<unknown> = Promise.resolve()

  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    thread.once('error', reject)
    ended.then(() => reject(new Error('the lane ended before it began')))
    thread.once('message', () => {
      thread.off('error', reject)
      resolve()
    })
  })

  thread.on('message', ({ answers, groups, areRulesNew }: Exclude<FromThread, 'ready'>) => {
    if (onGroup) groups.forEach(onGroup)
    // A database that is away is told by whatever really needs it.
    if (areRulesNew) informed = informed.then(onRules).catch(() => {})
    informed = informed.then(() => answers.forEach(settle))
  })
  ended.then(async () => {
    closed = true
    await informed
    for (const one of waiting.values()) one.reject(new Error('the lane has ended'))
    waiting.clear()
  })

  function settle(answer: Answer): void {
    const one = waiting.get(answer.call)!
    waiting.delete(answer.call)
    if ('reply' in answer) one.resolve(answer.reply)
    else one.reject(errorOf(answer))
  }

  function send(): void {
    const commands = unsent
    unsent = []
    thread.postMessage({ commands } satisfies ToThread)
  }

  return {
    run({ request: _isItsText, ...command }) {
      return new Promise((resolve, reject) => {
        if (closed || waiting.size >= limit) {
          reject(new DomainError('queue_full', { waiting: waiting.size }))
          return
        }
        calls += 1
        waiting.set(calls, { resolve, reject })
        unsent.push({ ...command, call: calls })
        if (unsent.length === 1) setImmediate(send)
      })
    },
    preview: (command) => previews.preview(command),
    get depth() {
      return waiting.size
    },
    async close() {
      // after what is about to be sent
      if (!closed) setImmediate(() => thread.postMessage('close' satisfies ToThread))
      closed = true
      await ended
      await informed
    },
  }
}

/** The thread's side: what comes runs in the lane, until it is told to close; resolves when all is answered. */
export async function serveLane(port: MessagePort, open: (ears: Ears) => Lane): Promise<void> {
  let unsent = nothing()
  let isScheduled = false
  function soon(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(send)
  }
  function send(): void {
    isScheduled = false
    port.postMessage(unsent satisfies FromThread)
    unsent = nothing()
  }
  const lane = open({
    onGroup(group) {
      unsent.groups.push(group)
      soon()
    },
    onRules() {
      unsent.areRulesNew = true
      soon()
    },
  })

  function answer(one: Answer): void {
    unsent.answers.push(one)
    soon()
  }
  function run({ call, ...command }: Sent): void {
    const request: Request = JSON.parse(command.text)
    lane.run({ ...command, request }).then(
      (reply) => answer({ call, reply }),
      (error: unknown) => answer({ call, ...failureOf(error) }),
    )
  }

  const closing = new Promise<void>((resolve) => {
    port.on('message', (message: ToThread) => {
      if (message === 'close') resolve()
      else message.commands.forEach(run)
    })
  })
  port.postMessage('ready' satisfies FromThread)
  await closing
  await lane.close()
  // the last answers were given in this turn, and go at its end
  await new Promise((resolve) => setImmediate(resolve))
  if (isScheduled) send()
  port.close()
}

function nothing(): Exclude<FromThread, 'ready'> {
  return { answers: [], groups: [], areRulesNew: false }
}

function failureOf(error: unknown) {
  if (error instanceof DomainError) {
    const { code, details, message } = error
    return { refusal: { code, details, message } }
  }
  const failure = error instanceof Error ? error : new Error(String(error))
  return { failure, code: 'code' in failure ? failure.code : undefined }
}

function errorOf(answer: Exclude<Answer, { reply: Reply }>): Error {
  if ('refusal' in answer) {
    const { code, details, message } = answer.refusal
    return new DomainError(code, details, message)
  }
  return answer.code === undefined ? answer.failure : Object.assign(answer.failure, { code: answer.code })
}
