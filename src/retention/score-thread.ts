/** The thread of a run of scores, so that a million members keep nobody waiting at a till. */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { connect } from '../db/connection.ts'
import { type Found, type Progress, type ScoreTerms, scoreMembers } from './score-run.ts'

/** What the thread is started with; plain data. */
export interface ScoreTask {
  readonly url: string
  readonly terms: ScoreTerms
}

export type ScoreMessage =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'found'; readonly found: Found }

invariant(parentPort, 'this file runs as a thread')
const port = parentPort
const { url, terms } = workerData as ScoreTask
const sql = connect(url, { max: 2, name: 'milepost scores' })
try {
  const found = await scoreMembers(sql, terms, (progress) => port.postMessage({ kind: 'progress', progress }))
  port.postMessage({ kind: 'found', found } satisfies ScoreMessage)
} finally {
  await sql.end({ timeout: 1 })
  port.close()
}
