/**
 * The large tables are cut by month of recording: a partition holds the ids (UUIDv7) of one UTC month.
 * There is no partition for "the rest", so the months ahead must be there before they begin; the doctor
 * tells how many are.
 */
import { firstIdAt } from '../base/ids.ts'
import type { Executor, Sql } from './connection.ts'

/** Each is partitioned by range of its own id. */
export const partitionedTables = ['entries', 'postings', 'transactions', 'outbox'] as const

const MONTHS_AHEAD = 6
const PARTITIONING = 0x6d71

/** Makes the partitions from last month to `monthsAhead` from now that are missing; names what it made. */
export async function ensurePartitions(sql: Sql, now: Date, monthsAhead = MONTHS_AHEAD): Promise<string[]> {
  if ((await missing(sql, now, monthsAhead)).length === 0) return []
  return sql.begin((tx) => createPartitions(tx, now, monthsAhead))
}

/** The same within a transaction: the lock is held until its end. */
export async function createPartitions(
  tx: Executor,
  now: Date,
  monthsAhead = MONTHS_AHEAD,
): Promise<string[]> {
  await tx`select pg_advisory_xact_lock(${PARTITIONING})`
  const partitions = await missing(tx, now, monthsAhead)
  for (const { table, name, month } of partitions) {
    const [from, to] = [firstIdAt(monthStart(now, month)), firstIdAt(monthStart(now, month + 1))]
    // Made beside the table and then attached: "partition of" would lock out every reader and writer.
    await tx`create table ${tx(name)} (like ${tx(table)} including all)`
    await tx.unsafe(`alter table ${table} attach partition ${name} for values from ('${from}') to ('${to}')`)
  }
  return partitions.map((partition) => partition.name)
}

/**
 * How many whole months after the present one every table has its partition for, without a gap: 0 when
 * only the present month is there, -1 when not even that.
 */
export async function partitionsAhead(sql: Executor, now: Date): Promise<number> {
  const known = await partitionNames(sql)
  let ahead = -1
  while (partitionedTables.every((table) => known.has(partitionName(table, monthStart(now, ahead + 1))))) {
    ahead += 1
  }
  return ahead
}

interface Partition {
  readonly table: string
  readonly name: string
  /** counted from the present month */
  readonly month: number
}

async function missing(sql: Executor, now: Date, monthsAhead: number): Promise<Partition[]> {
  const known = await partitionNames(sql)
  const wanted: Partition[] = []
  // Last month too: a group that was decided just before midnight may be written just after.
  for (let month = -1; month <= monthsAhead; month += 1) {
    for (const table of partitionedTables) {
      wanted.push({ table, name: partitionName(table, monthStart(now, month)), month })
    }
  }
  return wanted.filter(({ name }) => !known.has(name))
}

async function partitionNames(sql: Executor): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`
    select child.relname as name
    from pg_inherits
    join pg_class child on child.oid = inhrelid
    join pg_class parent on parent.oid = inhparent
    where parent.relname in ${sql([...partitionedTables])} and parent.relkind = 'p'
      and pg_table_is_visible(parent.oid)`
  return new Set(rows.map((row) => row.name))
}

function monthStart(now: Date, months: number): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1))
}

/** `entries_2026_11` */
function partitionName(table: string, month: Date): string {
  return `${table}_${month.toISOString().slice(0, 7).replace('-', '_')}`
}
