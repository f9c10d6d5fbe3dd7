/**
 * The schema as text, from the catalogs: the same database always gives the same text, so that it can be
 * kept under version control and a live database compared with it. Partitions and the migrations'
 * bookkeeping are left out.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Executor } from './connection.ts'
import { BOOKKEEPING } from './migrate.ts'
import { packageRoot } from './package-root.ts'

export const schemaFile = join(packageRoot, 'test', 'schema.txt')

/** The schema that the migrations make, as it was last written down. */
export function expectedSchema(): Promise<string> {
  return readFile(schemaFile, 'utf8')
}

/** Tables with columns, constraints, indexes and triggers; then functions. Ends in a line end. */
export async function dumpSchema(sql: Executor): Promise<string> {
  const tables = await tableBlocks(sql)
  const functions = await functionBlocks(sql)
  return `${[...tables, ...functions].join('\n\n')}\n`
}

/** What a live schema lacks (`missing: …`) and has beyond (`unexpected: …`), block by block, line by line. */
export function schemaDifferences(actual: string, expected: string): string[] {
  const [have, want] = [blocks(actual), blocks(expected)]
  const differences: string[] = []
  for (const [title, lines] of want) {
    const found = have.get(title)
    if (!found) differences.push(`missing: ${title}`)
    else for (const line of beyond(lines, found)) differences.push(`missing: ${title}: ${line.trim()}`)
  }
  for (const [title, lines] of have) {
    const known = want.get(title)
    if (!known) differences.push(`unexpected: ${title}`)
    else for (const line of beyond(lines, known)) differences.push(`unexpected: ${title}: ${line.trim()}`)
  }
  return differences
}

function blocks(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const block of text.trimEnd().split('\n\n')) {
    const [title = '', ...lines] = block.split('\n')
    found.set(title, lines)
  }
  return found
}

function beyond(lines: string[], known: string[]): string[] {
  return lines.filter((line) => !known.includes(line))
}

interface Line {
  table: string
  line: string
}

async function tableBlocks(sql: Executor): Promise<string[]> {
  const found = new Map<string, string[]>()
  for (const query of [titles, columns, constraints, indexes, triggers]) {
    for (const { table, line } of await query(sql)) found.set(table, [...(found.get(table) ?? []), line])
  }
  return [...found.values()].map((lines) => lines.join('\n'))
}

/** The tables of the dump: those of our schema that are no partition and not the bookkeeping. */
function ours(sql: Executor) {
  return sql`c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    and not c.relispartition and c.relname <> ${BOOKKEEPING}`
}

const titles = (sql: Executor) => sql<Line[]>`
  select c.relname as table,
    case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' else 'table ' end || c.relname
      || case c.relkind when 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end
      || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') as line
  from pg_class c
  where ${ours(sql)}
  order by c.relname collate "C"`

const columns = (sql: Executor) => sql<Line[]>`
  select c.relname as table,
    '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      || case when a.attnotnull then ' not null' else '' end
      || case a.attidentity when '' then '' else ' identity' end
      || case when d.adbin is null then ''
           when a.attgenerated = '' then ' default ' || pg_get_expr(d.adbin, d.adrelid)
           else ' generated as ' || pg_get_expr(d.adbin, d.adrelid) end as line
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where ${ours(sql)}
  order by c.relname collate "C", a.attnum`

// "not null" stands with its column; newer servers also keep it as a constraint
const constraints = (sql: Executor) => sql<Line[]>`
  select c.relname as table, '  ' || pg_get_constraintdef(k.oid) as line
  from pg_class c
  join pg_constraint k on k.conrelid = c.oid and k.contype <> 'n' and k.contype <> 't'
  where ${ours(sql)}
  order by c.relname collate "C", k.contype = 'p' desc, k.conname collate "C"`

const indexes = (sql: Executor) => sql<Line[]>`
  select c.relname as table, '  ' || regexp_replace(pg_get_indexdef(i.indexrelid), ' ON (ONLY )?[^ ]+ ', ' ') as line
  from pg_class c
  join pg_index i on i.indrelid = c.oid
  join pg_class x on x.oid = i.indexrelid
  where ${ours(sql)} and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)
  order by c.relname collate "C", x.relname collate "C"`

const triggers = (sql: Executor) => sql<Line[]>`
  select c.relname as table, '  ' || regexp_replace(pg_get_triggerdef(t.oid), ' ON [^ ]+ ', ' ') as line
  from pg_class c
  join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal
  where ${ours(sql)}
  order by c.relname collate "C", t.tgname collate "C"`

/** A blank line would end the block, so bodies are written without any. */
async function functionBlocks(sql: Executor): Promise<string[]> {
  const rows = await sql<{ name: string; body: string }[]>`
    select 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name,
      pg_get_functiondef(p.oid) as body
    from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.prokind in ('f', 'p')
      and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by 1`
  return rows.map(({ name, body }) => {
    const lines = body.split('\n').filter((line) => line.trim() !== '')
    return [name, ...lines.map((line) => `  ${line.trimEnd()}`)].join('\n')
  })
}
