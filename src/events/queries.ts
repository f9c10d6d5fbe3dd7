/**
 * The outbox, read in the order in which it was committed. A row is shown only once every database transaction
 * that began before its own is over, so nothing can slip in behind what a reader has seen.
 */
import { firstIdAt } from '../base/ids.ts'
import { type Executor, list, type Sql } from '../db/connection.ts'

/** A place in the outbox: just after this event. */
export interface Place {
  /** the database transaction that wrote it, as decimal text */
  readonly xact: string
  /** UUID */
  readonly eventId: string
}

/** Before every event. */
export const BEGINNING: Place = { xact: '0', eventId: '00000000-0000-0000-0000-000000000000' }

export interface EventRow extends Place {
  readonly memberId: string
  readonly sequence: bigint
  readonly type: string
  readonly payload: Record<string, unknown>
  readonly at: Date
}

/**
 * Rows that are looked at together when a reading picks by type, and how many times so many in one reading: a rare
 * type must not mean reading the whole outbox.
 */
const STRETCH = 10_000
const MOST_STRETCHES = 10

export interface EventsAsked {
  readonly program: string
  readonly after: Place
  /** only these; null: all */
  readonly types: readonly string[] | null
  readonly limit: number
}

export interface EventsRead {
  /** fewer than asked for, be it none, also where more rows than one reading looks at are of other types */
  readonly events: EventRow[]
  /** where the reading stopped: beyond the last event looked at, wanted or not */
  readonly end: Place
  /** nothing more stood beyond `end` */
  readonly isAll: boolean
}

// An event that a database transaction still under way will write has that transaction's xact_id, which is not
// below pg_snapshot_xmin: everything below is committed, or was rolled back and never will be.
export async function readEvents(sql: Executor, asked: EventsAsked): Promise<EventsRead> {
  const events: EventRow[] = []
  let end = asked.after
  for (let stretches = 0; stretches < MOST_STRETCHES; stretches += 1) {
    const read = await readStretch(sql, { ...asked, after: end, limit: asked.limit - events.length })
    events.push(...read.events)
    end = read.end
    if (read.isAll || events.length === asked.limit) return { events, end, isAll: read.isAll }
  }
  return { events, end, isAll: false }
}

async function readStretch(sql: Executor, asked: EventsAsked): Promise<EventsRead> {
  const { program, after, types, limit } = asked
  const beyond = sql`
    program = ${program} and (xact_id, event_id) > (${after.xact}::text::xid8, ${after.eventId}::uuid)
      and xact_id < pg_snapshot_xmin(pg_current_snapshot())`
  const read = (narrowed: ReturnType<Executor>) => sql<EventRow[]>`
    select xact_id::text as xact, event_id as "eventId", member_id as "memberId", sequence, type, payload, at
    from outbox where ${beyond} ${narrowed} order by xact_id, event_id limit ${limit + 1}`
  if (types === null) {
    const rows = await read(sql``)
    const events = rows.slice(0, limit)
    return { events, end: placeIn(events.at(-1)) ?? after, isAll: rows.length <= limit }
  }
  const [last] = await sql<(Place & { looked: bigint })[]>`
    select xact_id::text as xact, event_id as "eventId", count(*) over () as looked
    from (select xact_id, event_id from outbox where ${beyond} order by xact_id, event_id limit ${STRETCH}) as s
    order by xact_id desc, event_id desc limit 1`
  if (!last) return { events: [], end: after, isAll: true }
  const rows = await read(sql`
    and (xact_id, event_id) <= (${last.xact}::text::xid8, ${last.eventId}::uuid)
    and type = any(${list(sql, types)}::text[])`)
  const events = rows.slice(0, limit)
  const isMore = rows.length > limit
  const end = (isMore ? placeIn(events.at(-1)) : placeIn(last)) ?? after
  return { events, end, isAll: !isMore && last.looked < BigInt(STRETCH) }
}

function placeIn(row: Place | undefined): Place | null {
  return row ? { xact: row.xact, eventId: row.eventId } : null
}

/** Where an event of the program stands now; null where there is none (any more). */
export async function placeOf(
  sql: Executor,
  of: { program: string; eventId: string },
): Promise<Place | null> {
  const [row] = await sql<Place[]>`
    select xact_id::text as xact, event_id as "eventId" from outbox
    where event_id = ${of.eventId} and program = ${of.program}`
  return row ?? null
}

/** The place beyond which everything is still to come: what a new reader of the house begins at. */
export async function presentPlace(sql: Executor): Promise<Place> {
  const [row] = await sql<{ xact: string }[]>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as xact`
  return { ...BEGINNING, xact: row!.xact }
}

export async function readerPlace(
  sql: Executor,
  of: { program: string; reader: string },
): Promise<Place | null> {
  const [row] = await sql<Place[]>`
    select xact_id::text as xact, event_id as "eventId" from event_readers
    where program = ${of.program} and reader = ${of.reader}`
  return row ?? null
}

export async function moveReader(
  sql: Executor,
  of: { program: string; reader: string; place: Place },
): Promise<void> {
  await sql`
    insert into event_readers (program, reader, xact_id, event_id)
    values (${of.program}, ${of.reader}, ${of.place.xact}::text::xid8, ${of.place.eventId})
    on conflict (program, reader) do update set xact_id = excluded.xact_id, event_id = excluded.event_id`
}

/** Partitions of the outbox whose every event is older than an instant, oldest first. */
export async function bygonePartitions(sql: Executor, before: Date): Promise<string[]> {
  const rows = await sql<{ name: string; bound: string }[]>`
    select child.relname as name, pg_get_expr(child.relpartbound, child.oid) as bound
    from pg_inherits
    join pg_class child on child.oid = inhrelid
    join pg_class parent on parent.oid = inhparent
    where parent.relname = 'outbox' and parent.relkind = 'p' and pg_table_is_visible(parent.oid)
    order by child.relname`
  // FOR VALUES FROM ('…') TO ('…'): the upper bound is the first id of the month after.
  const end = firstIdAt(before)
  return rows
    .filter(({ bound }) => (/TO \('([0-9a-f-]+)'\)/.exec(bound)?.[1] ?? 'z') <= end)
    .map((row) => row.name)
}

/**
 * Takes a month of events away. It waits for readers and writers of the whole outbox only for as long as a
 * till would not notice, and otherwise leaves it to the next run: false.
 */
export async function dropPartition(sql: Sql, name: string): Promise<boolean> {
  try {
    await sql.begin(async (tx) => {
      await tx`select set_config('lock_timeout', '200ms', true)`
      await tx`drop table ${tx(name)}`
    })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '55P03') return false
    throw error
  }
}

/** Old events of a month that is not over yet, a bounded number at a time; how many they were. */
export async function deleteOldEvents(sql: Executor, before: Date, limit: number): Promise<number> {
  const done = await sql`
    delete from outbox o using (
      select member_id, event_id from outbox where event_id < ${firstIdAt(before)}::uuid
      order by event_id limit ${limit}) as old
    where o.member_id = old.member_id and o.event_id = old.event_id`
  return done.count
}

/**
 * After a restore from a dump into another server its counter of transactions begins anew, and events from
 * before would stand beyond all that come. They are moved to the front, in order of their ids; how many.
 */
export async function bringForward(sql: Executor): Promise<number> {
  const done = await sql`
    update outbox set xact_id = '3'::xid8
    where xact_id >= pg_snapshot_xmax(pg_current_snapshot())
      and program in (select program from programs)`
  return done.count
}
