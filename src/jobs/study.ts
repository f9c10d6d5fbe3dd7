/**
 * Jobs that learn something of each program as a whole: what is bought together, where ratings part. Each
 * writes its findings at once when it is done, so one that is cut short leaves those of the run before.
 */
import { createPrograms } from '../engine/programs.ts'
import { runProducts } from '../retention/product-run.ts'
import { runValues } from '../retention/value-run.ts'
import { type Deps, type JobName, type Study, studies } from './job.ts'
import { programsInForce } from './page.ts'

export interface Studied {
  readonly program: string
  readonly members: number
  readonly products?: number
}

export function isStudy(job: JobName): job is Study {
  return (studies as readonly string[]).includes(job)
}

export async function study(
  { sql }: Deps,
  { job, at, signal }: { job: Study; at: Date; signal?: AbortSignal | undefined },
): Promise<Studied[]> {
  const programs = await createPrograms(sql)
  const done: Studied[] = []
  for (const program of programsInForce(programs, at)) {
    if (signal?.aborted) continue
    const run = job === 'products' ? runProducts : runValues
    const found = await run(sql, program, { at, signal })
    if (found) done.push({ program: program.id, ...found })
  }
  return done
}
