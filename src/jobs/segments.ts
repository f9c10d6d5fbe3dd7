/**
 * Who is in which segment by now: every active member is looked at, and whoever enters or leaves one does so
 * by a command of its own. A second run finds nothing to change; one that was cut short is gone on with.
 */
import { newCommand } from '../engine/command.ts'
import { createPrograms } from '../engine/programs.ts'
import { openComplaintsOf } from '../engine/queries-feedback.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import { pictureOf, ranksOf } from '../retention/picture.ts'
import { type PictureRow, picturePage } from '../retention/queries-members.ts'
import { cutOf } from '../retention/queries-segments.ts'
import { type Cut, type Segmenting, segmentsOf } from '../retention/segment.ts'
import type { Deps } from './job.ts'
import { programsInForce, workThrough } from './page.ts'

const PAGE = 1_000

interface Run {
  readonly at: Date
  readonly signal?: AbortSignal | undefined
}

interface Change {
  readonly memberId: string
  readonly enter: readonly string[]
  readonly leave: readonly string[]
}

export async function assignSegments(
  deps: Deps,
  run: Run,
): Promise<{ members: number; entered: number; left: number; failed: number }> {
  const totals = { members: 0, entered: 0, left: 0, failed: 0 }
  const programs = await createPrograms(deps.sql)
  for (const program of programsInForce(programs, run.at)) {
    if (program.segmentRules.length === 0) continue
    const segmenting = await segmentingOf(deps, program)
    let after: string | null = null
    do {
      const page: PictureRow[] = await picturePage(deps.sql, { program: program.id, after, limit: PAGE })
      const complaints = await openComplaintsOf(
        deps.sql,
        page.map(({ memberId }) => memberId),
      )
      const changes = page.flatMap((row) => {
        const picture = pictureOf(program, row, {
          at: run.at,
          complaints: complaints.get(row.memberId)?.length ?? 0,
        })
        return changeOf(segmenting, row, segmentsOf(segmenting, { ...row, ranks: ranksOf(row), picture }))
      })
      totals.members += page.length
      totals.failed += await workThrough(deps, {
        job: 'segments',
        items: changes,
        signal: run.signal,
        memberOf: ({ memberId }) => memberId,
        work: async (change) => {
          const { entered, left } = await moveMember(deps, { program, run, change })
          totals.entered += entered
          totals.left += left
        },
      })
      after = page.length === PAGE ? page.at(-1)!.memberId : null
    } while (after !== null && !run.signal?.aborted)
  }
  return totals
}

async function segmentingOf({ sql }: Deps, program: Program): Promise<Segmenting> {
  const cuts = new Map<string, Cut | null>()
  for (const { id, top } of program.segmentRules)
    if (top) cuts.set(id, await cutOf(sql, { program: program.id, ...top }))
  return { rules: program.segmentRules, clusters: program.clusters, cuts }
}

/** Only segments that are worked out: those by hand are not the job's to touch. */
function changeOf({ rules }: Segmenting, row: PictureRow, wanted: readonly string[]): Change[] {
  const held = new Set(row.marks.flatMap(({ kind, name }) => (kind === 'segment' ? [name] : [])))
  const enter = wanted.filter((id) => !held.has(id))
  const leave = rules.map(({ id }) => id).filter((id) => held.has(id) && !wanted.includes(id))
  return enter.length + leave.length === 0 ? [] : [{ memberId: row.memberId, enter, leave }]
}

async function moveMember(
  { lane }: Deps,
  { program, run, change }: { program: Program; run: Run; change: Change },
): Promise<{ entered: number; left: number }> {
  const { memberId, enter, leave } = change
  const from = { program: program.id, source: ENGINE_SOURCE, ref: null, at: run.at }
  const { body } = await lane.run(
    newCommand(from, { kind: 'assign_segments', memberId, body: { enter, leave } }),
  )
  return JSON.parse(body) as { entered: number; left: number }
}
