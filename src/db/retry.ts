/**
 * The database's passing faults: a transaction that lost against another one may simply run again. A lost
 * connection is different: the commit may have happened, so only a caller who can bear to run twice (a
 * read, or a command that finds its own recorded answer) asks for that.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface RetryOptions {
  /** tries in all */
  readonly attempts?: number
  /** also after a lost connection: only where running twice does no harm */
  readonly afterLostConnection?: boolean
  /** further errors that are worth another try */
  readonly isPassing?: (error: unknown) => boolean
}

// serialization_failure, deadlock_detected
const LOST_RACES = new Set(['40001', '40P01'])
// admin_shutdown, crash_shutdown, cannot_connect_now, and what the driver and the network say
const LOST_CONNECTIONS = new Set([
  ...['57P01', '57P02', '57P03', '08000', '08003', '08006'],
  ...['CONNECTION_CLOSED', 'CONNECTION_DESTROYED', 'CONNECTION_ENDED', 'CONNECT_TIMEOUT'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'],
])

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Whether the transaction lost against another one and left nothing behind. */
export function isLostRace(error: unknown): boolean {
  return LOST_RACES.has(codeOf(error))
}

/** Whether the database could not be reached, or went away meanwhile. */
export function isLostConnection(error: unknown): boolean {
  return LOST_CONNECTIONS.has(codeOf(error))
}

/** Runs `work`, again where that helps, with a little longer pause each time. The last error is thrown. */
export async function withRetry<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const attempts = options.attempts ?? 5
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const passing =
        isLostRace(error) ||
        (options.afterLostConnection === true && isLostConnection(error)) ||
        options.isPassing?.(error) === true
      if (!passing || attempt >= attempts) throw error
      // 5 to 10 ms, then twice as much each time; uneven, so that two losers do not meet again
      await sleep(5 * 2 ** (attempt - 1) * (1 + Math.random()))
    }
  }
}
