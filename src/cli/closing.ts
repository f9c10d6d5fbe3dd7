/**
 * What has to be undone before the process ends, last opened first closed: pools, servers, half-written
 * files. Whether the work is done, has failed or was interrupted, and also what was just being opened.
 */
export interface Closing {
  add(close: () => Promise<void> | void): void
  /** Opens what takes a while: an interruption meanwhile waits for it, and closes it. */
  open<T>(start: () => Promise<T>, close: (opened: T) => Promise<void> | void): Promise<T>
  /** for a second Ctrl-C: what can be undone without waiting */
  addAtOnce(close: () => void): void
  /** aborted when a person or the system asks to stop */
  readonly signal: AbortSignal
  interrupt(): void
  run(): Promise<void>
  runAtOnce(): void
}

type Close = () => Promise<void> | void

export function createClosing(): Closing {
  const abort = new AbortController()
  const open: Close[] = []
  const atOnce: (() => void)[] = []
  const opening = new Set<Promise<unknown>>()
  let running: Promise<void> | null = null

  async function closeAll(): Promise<void> {
    const failures: unknown[] = []
    while (open.length > 0 || opening.size > 0) {
      const close = open.pop()
      try {
        if (close) await close()
        else await Promise.allSettled(opening)
      } catch (error) {
        // The rest is closed all the same: an orphan server is worse than a lost message.
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  return {
    signal: abort.signal,
    interrupt: () => abort.abort(new Error('interrupted')),
    add: (close) => void open.push(close),
    addAtOnce: (close) => void atOnce.push(close),
    async open(start, close) {
      abort.signal.throwIfAborted()
      const started = start().then((opened) => {
        open.push(() => close(opened))
        return opened
      })
      const tracked = started.finally(() => opening.delete(tracked))
      opening.add(tracked)
      const opened = await tracked
      abort.signal.throwIfAborted()
      return opened
    },
    run() {
      running ??= closeAll().finally(() => {
        running = null
      })
      return running
    },
    runAtOnce() {
      for (const close of atOnce.splice(0)) close()
    },
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** Interrupts a command: Ctrl-C closes everything and ends, a second one ends at once. */
export function closeOnSignals(closing: Closing, note: (text: string) => void): () => void {
  const listeners = signals.map((signal) => {
    const listener = () => {
      const end = () => process.exit(codes[signal])
      if (closing.signal.aborted) {
        closing.runAtOnce()
        end()
      }
      note('stopping …')
      closing.interrupt()
      closing.run().then(end, end)
    }
    process.on(signal, listener)
    return { signal, listener }
  })
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener)
  }
}
