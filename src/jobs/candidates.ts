/**
 * Members whom a campaign's start names, page by page: flagged ones by what is at stake, those in segments by
 * id, those whom an event happened to in the order of the events, each event once.
 */
import type { Executor, Sql } from '../db/connection.ts'
import { moveReader, type Place, presentPlace, readEvents, readerPlace } from '../events/queries.ts'
import type { Campaign } from '../program/campaign.ts'
import { flaggedPage } from '../retention/queries-experiments.ts'
import { anyInSegments } from '../retention/queries-segments.ts'

const PAGE = 500

export interface CandidatePage {
  readonly memberIds: readonly string[]
  /** to be called when the page was worked on: what is not, comes again */
  done(): Promise<void>
}

interface Asked {
  readonly program: string
  readonly campaign: Campaign
  /** when the campaign began */
  readonly since: Date
}

export async function* candidatePages(sql: Sql, asked: Asked): AsyncGenerator<CandidatePage> {
  const { program, campaign, since } = asked
  const { start } = campaign
  if (start.kind === 'flag') yield* flagged(sql, { program, flags: start.flags })
  else if (start.kind === 'segment') yield* inSegments(sql, { program, segments: start.segments })
  else yield* byEvents(sql, { program, reader: `campaign/${campaign.id}`, types: start.events, since })
}

const nothing = async () => {}

async function* flagged(
  sql: Executor,
  of: { program: string; flags: readonly string[] },
): AsyncGenerator<CandidatePage> {
  let after: { priority: number; memberId: string } | null = null
  do {
    const page: { memberId: string; priority: number }[] = await flaggedPage(sql, {
      ...of,
      after,
      limit: PAGE,
    })
    yield { memberIds: page.map(({ memberId }) => memberId), done: nothing }
    after = page.length === PAGE ? page.at(-1)! : null
  } while (after !== null)
}

async function* inSegments(
  sql: Executor,
  of: { program: string; segments: readonly string[] },
): AsyncGenerator<CandidatePage> {
  let after: string | null = null
  do {
    const memberIds: string[] = await anyInSegments(sql, { ...of, after, limit: PAGE })
    yield { memberIds, done: nothing }
    after = memberIds.length === PAGE ? memberIds.at(-1)! : null
  } while (after !== null)
}

/**
 * A campaign begins with the events that come after it first ran: history starts nothing. The place that it begins at
 * lies before what others were writing by then, so some that had happened stand beyond it.
 */
async function* byEvents(
  sql: Sql,
  of: { program: string; reader: string; types: readonly string[]; since: Date },
): AsyncGenerator<CandidatePage> {
  const { program, reader, types, since } = of
  let place: Place | null = await readerPlace(sql, { program, reader })
  if (place === null) {
    await moveReader(sql, { program, reader, place: await presentPlace(sql) })
    return
  }
  for (;;) {
    const { events, end, isAll } = await readEvents(sql, { program, after: place, types, limit: PAGE })
    place = end
    const came = events.filter(({ at }) => at >= since)
    const memberIds = [...new Set(came.map(({ memberId }) => memberId))]
    yield { memberIds, done: () => moveReader(sql, { program, reader, place: end }) }
    if (isAll) return
  }
}
