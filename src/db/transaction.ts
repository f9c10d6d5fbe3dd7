/**
 * A database transaction with as few round trips as it needs: `begin` goes out with the first statements,
 * `commit` with the last. A statement that fails turns the commit behind it into a rollback.
 */
import type { Executor, Sql } from './connection.ts'

export interface Work<T> {
  readonly result: T
  /** statements to be sent, in order, ahead of the commit; their results are not waited for */
  readonly last: readonly PromiseLike<unknown>[]
}

/** Runs `work` and commits what it did; any error is thrown after the rollback. */
export async function inTransaction<T>(
  sql: Sql,
  work: (tx: Executor) => Promise<Work<T>>,
  { readOnly = false } = {},
): Promise<T> {
  const tx = await sql.reserve()
  try {
    const begun = readOnly
      ? tx`begin isolation level repeatable read read only`.execute()
      : tx`begin`.execute()
    const { result, last } = await first(tx, begun, work)
    const ended = await Promise.allSettled([...last, tx`commit`])
    for (const end of ended) if (end.status === 'rejected') throw end.reason
    return result
  } finally {
    tx.release()
  }
}

async function first<T>(
  tx: Executor,
  begun: Promise<unknown>,
  work: (tx: Executor) => Promise<Work<T>>,
): Promise<Work<T>> {
  const [began, worked] = await Promise.allSettled([begun, work(tx)])
  if (began.status === 'rejected') throw began.reason
  if (worked.status === 'fulfilled') return worked.value
  // The connection may be gone with the transaction; what went wrong first is what matters.
  await Promise.allSettled([tx`rollback`])
  throw worked.reason
}
