/** Where the time goes: the service's own functions, and what its database sessions wait for. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Sql } from '../src/db/connection.ts'
import { packageRoot } from '../src/db/package-root.ts'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** microseconds before each sample */
  readonly timeDeltas: readonly number[]
}

export interface Share {
  readonly name: string
  /** 0 to 1 */
  readonly share: number
}

/** The functions with the most time of their own, as shares of the time in which there was work. */
export function hottest(folder: string, most: number): Share[] {
  const spent = new Map<string, number>()
  let total = 0
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile
    const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node.callFrame)]))
    for (const [index, sample] of profile.samples.entries()) {
      const place = names.get(sample) ?? 'unknown'
      if (place === '(idle)') continue
      const micros = profile.timeDeltas[index] ?? 0
      spent.set(place, (spent.get(place) ?? 0) + micros)
      total += micros
    }
  }
  return shares(spent, total, most)
}

function nameOf(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const file = frame.url.startsWith('file://')
    ? relative(packageRoot, frame.url.slice('file://'.length))
    : frame.url
  const name = frame.functionName || '(anonymous)'
  return file === '' ? name : `${name}  ${file}:${frame.lineNumber + 1}`
}

function shares(counts: ReadonlyMap<string, number>, total: number, most: number): Share[] {
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, most)
    .map(([name, count]) => ({ name, share: total === 0 ? 0 : count / total }))
}

const SAMPLE_EVERY = 100

/** Looks at the database's sessions ten times a second; `stop` tells what was seen. */
export function sampleWaits(sql: Sql, database: string): { stop(): Promise<Share[]> } {
  const seen = new Map<string, number>()
  let total = 0
  let pending = Promise.resolve()
  const timer = setInterval(() => {
    pending = pending.then(async () => {
      const rows = await sql<{ what: string }[]>`
        select application_name || ': ' || case
          when state <> 'active' then state
          else coalesce(wait_event_type || ' ' || wait_event, 'working')
        end as what
        from pg_stat_activity
        where datname = ${database} and application_name like 'milepost%'
          and state is not null and state <> 'idle'`
      for (const { what } of rows) {
        seen.set(what, (seen.get(what) ?? 0) + 1)
        total += 1
      }
    })
  }, SAMPLE_EVERY)
  return {
    async stop() {
      clearInterval(timer)
      await pending
      return shares(seen, total, 10)
    },
  }
}

export interface Groups {
  readonly groups: number
  readonly commands: number
}

/** How many groups were written so far, and how many commands they held. */
export async function groupsOf(serviceUrl: string): Promise<Groups> {
  const text = await (await fetch(`${serviceUrl}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  return {
    groups: value('milepost_lane_group_size_count'),
    commands: value('milepost_lane_group_size_sum'),
  }
}
