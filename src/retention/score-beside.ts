/** Runs scores in a thread of their own, which ends with the run or when it is called off. */
import { besideOf, startThread } from '../base/thread.ts'
import type { Found, Progress } from './score-run.ts'
import type { ScoreMessage, ScoreTask } from './score-thread.ts'

/** Null where it was called off. */
export function scoreBeside(
  task: ScoreTask,
  how: { onProgress(progress: Progress): void; signal?: AbortSignal | undefined },
): Promise<Found | null> {
  return new Promise((resolve, reject) => {
    const thread = startThread(besideOf(import.meta.url, 'score-thread'), task)
    const stop = () => {
      resolve(null)
      void thread.terminate()
    }
    how.signal?.addEventListener('abort', stop, { once: true })
    thread.on('message', (message: ScoreMessage) => {
      if (message.kind === 'progress') how.onProgress(message.progress)
      else resolve(message.found)
    })
    thread.on('error', reject)
    thread.on('exit', () => {
      how.signal?.removeEventListener('abort', stop)
      reject(new Error('the thread of the scores ended without an answer'))
    })
    if (how.signal?.aborted) stop()
  })
}
