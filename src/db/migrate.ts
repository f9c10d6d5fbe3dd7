/**
 * Brings a database up to date: the files of `migrations/` in order, each once, forward only. All of it is
 * one database transaction under an advisory lock, so that any number of processes may do it at once and a
 * failure leaves nothing behind.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Postgrator from 'postgrator'
import type { Sql, Tx } from './connection.ts'
import { packageRoot } from './package-root.ts'
import { createPartitions } from './partitions.ts'

export const migrationsFolder = join(packageRoot, 'migrations')
/** Where the migrations that were run are noted. */
export const BOOKKEEPING = 'schema_migrations'

const MIGRATING = 0x6d69
const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/

export interface Migrated {
  /** file names of the migrations that were run now */
  readonly applied: readonly string[]
  /** the number of the newest migration, and so of the schema */
  readonly version: number
}

interface MigrateOptions {
  readonly folder?: string
  /** the present: months from here on get their partitions */
  readonly now?: Date
}

/** Runs what is missing, and makes the partitions of the months ahead. */
export function migrate(sql: Sql, options: MigrateOptions = {}): Promise<Migrated> {
  const folder = options.folder ?? migrationsFolder
  const files = readMigrations(folder)
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${MIGRATING})`
    const applied = await runMissing(tx, files)
    await createPartitions(tx, options.now ?? new Date())
    return { applied, version: files.length }
  })
}

/** Where a database stands against the files: what `milepost doctor` tells. Changes nothing. */
export async function migrationState(sql: Sql): Promise<{ version: number; newest: number }> {
  const newest = readMigrations(migrationsFolder).length
  const [known] = await sql<{ known: boolean }[]>`select to_regclass(${BOOKKEEPING}) is not null as known`
  if (!known?.known) return { version: 0, newest }
  const [row] = await sql<
    { version: bigint | null }[]
  >`select max(version) as version from ${sql(BOOKKEEPING)}`
  return { version: Number(row?.version ?? 0), newest }
}

/** The migrations of a folder, in order; numbered from 1 without a gap. */
function readMigrations(folder: string): Postgrator.Migration[] {
  const files = readdirSync(folder).filter((name) => !name.startsWith('.'))
  return files.sort().map((name, index) => {
    const [, number, title] = FILE_NAME.exec(name) ?? []
    if (!number || !title) throw new Error(`migrations/${name}: expected a name such as 0002_vouchers.sql`)
    if (Number(number) !== index + 1) {
      throw new Error(`migrations/${name}: expected number ${String(index + 1).padStart(4, '0')} here`)
    }
    const text = readFileSync(join(folder, name), 'utf8')
    return {
      version: index + 1,
      action: 'do',
      filename: name,
      name: title,
      // a checkout under Windows turns line ends, and is still the same migration
      md5: createHash('md5').update(text.replaceAll('\r\n', '\n')).digest('hex'),
      getSql: () => text,
    }
  })
}

async function runMissing(tx: Tx, files: Postgrator.Migration[]): Promise<string[]> {
  const postgrator = new Runner(tx, files)
  const version = await postgrator.getDatabaseVersion()
  if (version > files.length) {
    throw new Error(
      `the database is at migration ${version}, and this Milepost knows ${files.length}: use the newer Milepost`,
    )
  }
  const applied = await postgrator.migrate()
  return applied.map((migration) => migration.filename)
}

/** Postgrator on our transaction, with our file names, and errors that name the file. */
class Runner extends Postgrator {
  readonly #files: Postgrator.Migration[]
  #current: Postgrator.Migration | null = null
  #step = ''

  constructor(tx: Tx, files: Postgrator.Migration[]) {
    super({
      driver: 'pg',
      schemaTable: BOOKKEEPING,
      // a file holds several statements: only the simple protocol takes them
      execQuery: async (text) => ({ rows: await tx.unsafe(text).simple() }),
    })
    this.#files = files
    this.on('validation-started', (migration) => this.#note(migration, 'was changed after it had been run'))
    this.on('migration-started', (migration) => this.#note(migration, 'failed'))
    this.on('validation-finished', () => this.#note(null, ''))
    this.on('migration-finished', () => this.#note(null, ''))
  }

  #note(migration: Postgrator.Migration | null, step: string): void {
    this.#current = migration
    this.#step = step
  }

  override async getMigrations(): Promise<Postgrator.Migration[]> {
    // where postgrator looks for them later; its types do not show the field
    Object.assign(this, { migrations: this.#files })
    return this.#files
  }

  override async migrate(): Promise<Postgrator.Migration[]> {
    try {
      return await super.migrate()
    } catch (cause) {
      if (this.#current === null) throw cause
      const file = `migrations/${this.#current.filename}`
      throw new Error(`${file} ${this.#step}: ${(cause as Error).message}`, { cause })
    }
  }
}
