/**
 * Packs on disk, so that asking again of the same history does not read all of it again: in the data folder, for
 * nobody else to read, no more than so many bytes, and not for longer than a day after they were last added to.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../base/ids.ts'
import type { Sql } from '../db/connection.ts'
import type { Publication } from '../engine/programs.ts'
import { PACK_FORM, type Pack } from './pack.ts'
import { decodePack, encodePack } from './pack-file.ts'
import { readIdentity } from './queries.ts'

/** Where the packs of one history are, and how many bytes there is still room for. Plain data. */
export interface Packs {
  readonly folder: string
  readonly room: number
}

export const MOST_BYTES = 2 * 1024 ** 3
const A_DAY = 86_400_000
const PARENT = 'simulations'

export interface History {
  readonly program: string
  readonly publications: readonly Publication[]
  /** in force at the end */
  readonly version: string
}

/**
 * Null: nothing is kept, because the database does not say which one it is, so that nothing of it could be known
 * again, or because the folder cannot be written to.
 */
export async function openPacks(dataFolder: string, sql: Sql, of: History): Promise<Packs | null> {
  const identity = await readIdentity(sql)
  if (identity === null) return null
  const known = of.publications.map(({ publicationId, withdrawn }) => [publicationId, withdrawn?.at ?? null])
  const name = createHash('sha256')
    .update(JSON.stringify([PACK_FORM, identity, of.program, known, of.version]))
    .digest('hex')
  const parent = join(dataFolder, PARENT)
  const folder = join(parent, name.slice(0, 32))
  try {
    await mkdir(dataFolder, { recursive: true })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await dropOld(parent, { except: folder, before: Date.now() - A_DAY })
    return { folder, room: MOST_BYTES - (await bytesIn(parent)) }
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return null
    throw error
  }
}

/** Nothing stays of what was packed of anybody: a member was erased. */
export async function dropPacks(dataFolder: string): Promise<void> {
  await rm(join(dataFolder, PARENT), { recursive: true, force: true })
}

/** Null: there is none, or none that can be read. */
export async function readPack({ folder }: Packs, name: string): Promise<Pack | null> {
  try {
    return decodePack(aligned(await readFile(fileOf(folder, name))))
  } catch {
    return null
  }
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.pack`)
}

/** Columns are looked at where they lie, which has to be a whole number of eight bytes. */
function aligned(bytes: Buffer): Buffer {
  return bytes.byteOffset % 8 === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer)
}

/** Written whole or not at all. Returns how many bytes that are; 0 where there is no room. */
export async function writePack({ folder, room }: Packs, name: string, pack: Pack): Promise<number> {
  const bytes = encodePack(pack)
  if (bytes.length > room) return 0
  const draft = join(folder, `${newId()}.tmp`)
  try {
    await writeFile(draft, bytes, { mode: 0o600 })
    await rename(draft, fileOf(folder, name))
    return bytes.length
  } catch {
    // A full disk, or somebody who was erased meanwhile: the next simulation reads again.
    await rm(draft, { force: true })
    return 0
  }
}

async function dropOld(
  parent: string,
  { except, before }: { except: string; before: number },
): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = join(parent, name)
    if (folder === except) continue
    const found = await stat(folder).catch(() => null)
    if (found && found.mtimeMs < before) await rm(folder, { recursive: true, force: true })
  }
}

async function bytesIn(parent: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(parent, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const found = await stat(join(entry.parentPath ?? entry.path, entry.name)).catch(() => null)
    bytes += found?.size ?? 0
  }
  return bytes
}
