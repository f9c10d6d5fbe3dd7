/**
 * Packs what simulations read of each program, as of now whatever the run is asked for: of a simulation too the
 * end is now. Once a night is enough, for what was written since is little, and is read by the simulation itself.
 */
import { createPrograms } from '../engine/programs.ts'
import { packHistory } from '../simulate/pack-history.ts'
import type { Unkept } from '../simulate/packs.ts'
import type { Deps, PackTotals } from './job.ts'
import { programsInForce } from './page.ts'

export interface PackRun {
  readonly signal?: AbortSignal | undefined
  onProgress?(progress: { what: 'packing'; done: number; of: number }): void
}

export async function packHistories(deps: Deps, { signal, onProgress }: PackRun): Promise<PackTotals> {
  const totals: PackTotals = { programs: [], unkept: null }
  const { dataFolder: keptIn } = deps
  if (keptIn === undefined) return { programs: [], unkept: 'unwritable_folder' }
  const now = deps.now()
  const programs = await createPrograms(deps.sql)
  for (const { id: program } of programsInForce(programs, now)) {
    if (signal?.aborted) break
    const found = await packHistory(deps.sql, programs, {
      ...{ program, now, keptIn, signal },
      onProgress: (done, of) => onProgress?.({ what: 'packing', done, of }),
    })
    if (typeof found !== 'string') totals.programs.push({ program, ...found })
    else if (isUnkept(found)) return { ...totals, unkept: found }
    else totals.programs.push({ program, passedOver: found })
  }
  return totals
}

function isUnkept(found: string): found is Unkept {
  return found === 'unknown_database' || found === 'unwritable_folder'
}
