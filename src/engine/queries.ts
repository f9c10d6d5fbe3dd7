/** SQL about what stands beside members: published rule versions and API keys. */
import type { Executor } from '../db/connection.ts'

export interface PublicationRow {
  readonly program: string
  readonly publication_id: string
  readonly version: string
  readonly effective_from: Date
  readonly published_at: Date
  readonly published_by: string
  readonly note: string | null
  readonly withdrawn_at: Date | null
  readonly withdrawn_by: string | null
  readonly withdrawn_note: string | null
}

/** Every publication without its files, oldest effect first; among equals, in order of publication. */
export async function readPublications(sql: Executor): Promise<PublicationRow[]> {
  return sql<PublicationRow[]>`
    select program, publication_id, version, effective_from, published_at, published_by, note,
      withdrawn_at, withdrawn_by, withdrawn_note
    from rule_versions
    order by program, effective_from, published_at, publication_id`
}

/** How many publications there are, the newest, and how many are withdrawn: changes whenever anything does. */
export async function readPublicationStamp(sql: Executor): Promise<string> {
  const [row] = await sql<{ stamp: string }[]>`
    select count(*)::text || ' ' || count(withdrawn_at)::text || ' ' || coalesce(max(publication_id::text), '')
      as stamp
    from rule_versions`
  return row?.stamp ?? ''
}

export async function readFiles(
  sql: Executor,
  program: string,
  version: string,
): Promise<Record<string, string> | null> {
  const [row] = await sql<{ files: Record<string, string> }[]>`
    select files from rule_versions where program = ${program} and version = ${version}
    order by publication_id limit 1`
  return row?.files ?? null
}

/** Makes the program known and locks it, so that publications of one program come one after another. */
export async function lockProgram(sql: Executor, program: string): Promise<void> {
  await sql`insert into programs (program) values (${program}) on conflict (program) do nothing`
  await sql`select program from programs where program = ${program} for update`
}

export async function insertPublication(
  sql: Executor,
  row: Omit<PublicationRow, `withdrawn_${string}`> & { files: Record<string, string> },
): Promise<void> {
  await sql`
    insert into rule_versions
      (program, publication_id, version, effective_from, published_at, published_by, note, files)
    values (${row.program}, ${row.publication_id}, ${row.version}, ${row.effective_from}, ${row.published_at},
      ${row.published_by}, ${row.note}, ${JSON.stringify(row.files)}::text::jsonb)`
}

/** Withdraws every publication of a version that has not begun; how many there were. */
export async function markWithdrawn(
  sql: Executor,
  what: { program: string; version: string; at: Date; by: string; note: string | null },
): Promise<number> {
  const rows = await sql`
    update rule_versions
    set withdrawn_at = ${what.at}, withdrawn_by = ${what.by}, withdrawn_note = ${what.note}
    where program = ${what.program} and version = ${what.version}
      and effective_from > ${what.at} and withdrawn_at is null
    returning publication_id`
  return rows.length
}

export interface KeyRow {
  readonly key_id: string
  readonly program: string
  readonly source: string
  readonly scopes: string[]
  readonly created_at: Date
  readonly revoked_at: Date | null
}

export async function insertKey(sql: Executor, row: KeyRow & { hash: string }): Promise<void> {
  await sql`
    insert into api_keys (key_id, program, source, scopes, key_hash, created_at)
    values (${row.key_id}, ${row.program}, ${row.source}, ${row.scopes}, decode(${row.hash}, 'hex'), ${row.created_at})`
}

/** The key with this hash, unless it was revoked. */
export async function readKeyByHash(sql: Executor, hash: string): Promise<KeyRow | null> {
  const [row] = await sql<KeyRow[]>`
    select key_id, program, source, scopes, created_at, revoked_at
    from api_keys where key_hash = decode(${hash}, 'hex') and revoked_at is null`
  return row ?? null
}

export async function readKeys(sql: Executor): Promise<KeyRow[]> {
  return sql<KeyRow[]>`
    select key_id, program, source, scopes, created_at, revoked_at from api_keys order by created_at, key_id`
}

/** False where there is no such key, or it was revoked before. */
export async function markRevoked(sql: Executor, keyId: string, at: Date): Promise<boolean> {
  const rows = await sql`
    update api_keys set revoked_at = ${at} where key_id = ${keyId} and revoked_at is null returning key_id`
  return rows.length === 1
}

export async function programExists(sql: Executor, program: string): Promise<boolean> {
  const rows = await sql`select program from programs where program = ${program}`
  return rows.length === 1
}
