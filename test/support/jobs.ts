/** What jobs work with in a test. Whatever a job could not do fails the test, unless it is about just that. */
import { inspect } from 'node:util'
import type { Deps, JobLog } from '../../src/jobs/job.ts'
import type { Engine } from './engine.ts'

/** Throws at the first thing that a job could not do. */
const strict: JobLog = {
  debug() {},
  info() {},
  error(facts, message) {
    throw new Error(`${message}: ${inspect(facts)}`)
  },
}

export function jobDeps({ sql, lane, now }: Pick<Engine, 'sql' | 'lane' | 'now'>, dataFolder?: string): Deps {
  return { sql, lane, now, log: strict, ...(dataFolder !== undefined && { dataFolder }) }
}

/** Keeps what a job could not do. */
export function tellingDeps(
  engine: Pick<Engine, 'sql' | 'lane' | 'now'>,
): Deps & { readonly errors: string[] } {
  const errors: string[] = []
  const error = (_facts: object, message: string) => void errors.push(message)
  return { ...jobDeps(engine), log: { ...strict, error }, errors }
}
