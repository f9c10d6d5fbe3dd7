/**
 * Packs on disk, so that asking again of the same history does not read all of it again: in the data folder, for
 * nobody else to read, no more than so many bytes, and not for longer than two days after they were last asked for.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, read } from 'node:fs'
import { access, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../base/ids.ts'
import type { Sql } from '../db/connection.ts'
import type { Programs, Publication } from '../engine/programs.ts'
import { PACK_FORM, type Pack } from './pack.ts'
import { decodePack, encodePack } from './pack-file.ts'
import { readIdentity } from './queries.ts'

/** Where the packs of one history are, and how many bytes there is still room for. Plain data. */
export interface Packs {
  readonly folder: string
  /** another one where the folder was dropped and made anew since */
  readonly mark: string
  readonly room: number
}

export const MOST_BYTES = 2 * 1024 ** 3
/** A job comes by every night; a night may be missed. */
const KEPT_FOR = 2 * 86_400_000
/** Nobody takes longer over writing one: who began it was stopped. */
const DRAFT_FOR = 3_600_000
const DRAFT = '.tmp'
const MARK = 'mark'
const PARENT = 'simulations'
const DROPPED = `${PARENT}.dropped-`

export interface History {
  readonly program: string
  readonly publications: readonly Publication[]
  /** in force at the end */
  readonly version: string
}

/**
 * Refuses `rules_unreadable` where a version of then no longer loads. One that never began, because it is still to
 * come or was withdrawn, valued nothing: it keeps nobody from simulating.
 */
export function historyOf(programs: Programs, program: string, at: Date): History {
  const publications = programs.versions(program)
  for (const { version, effectiveFrom, withdrawn } of publications)
    if (withdrawn === null && effectiveFrom <= at) programs.version(program, version)
  return { program, publications, version: programs.at(program, at).version }
}

/**
 * Why nothing is kept: the database does not say which one it is, so that nothing of it could be known again,
 * or the folder cannot be written to.
 */
export type Unkept = 'unknown_database' | 'unwritable_folder'

export async function openPacks(dataFolder: string, sql: Sql, of: History): Promise<Packs | Unkept> {
  const identity = await readIdentity(sql)
  if (identity === null) return 'unknown_database'
  const known = of.publications.map(({ publicationId, withdrawn }) => [publicationId, withdrawn?.at ?? null])
  const name = createHash('sha256')
    .update(JSON.stringify([PACK_FORM, identity, of.program, known, of.version]))
    .digest('hex')
  const parent = join(dataFolder, PARENT)
  const folder = join(parent, name.slice(0, 32))
  try {
    await mkdir(dataFolder, { recursive: true })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const now = new Date()
    await utimes(folder, now, now)
    await access(folder, constants.W_OK)
    await removeDropped(dataFolder)
    await dropOld(parent, now.getTime())
    return { folder, mark: await markOf(folder), room: MOST_BYTES - (await bytesIn(parent)) }
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return 'unwritable_folder'
    throw error
  }
}

/** Written by whoever came first. */
async function markOf(folder: string): Promise<string> {
  const file = join(folder, MARK)
  await writeFile(file, newId(), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  return readFile(file, 'utf8')
}

/** Nothing stays of what was packed of anybody: a member was erased. */
export async function dropPacks(dataFolder: string): Promise<void> {
  // Moved away first: whoever is writing there just now would put files into what is being emptied.
  const away = join(dataFolder, `${DROPPED}${newId()}`)
  await rename(join(dataFolder, PARENT), away).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
  })
  await removeDropped(dataFolder)
}

/** Also what was left where a process ended over it. */
async function removeDropped(dataFolder: string): Promise<void> {
  const names = await readdir(dataFolder).catch(() => [])
  for (const name of names.filter((one) => one.startsWith(DROPPED)))
    await rm(join(dataFolder, name), { recursive: true, force: true, maxRetries: 3 })
}

/** Null: there is none, or none that can be read. */
export async function readPack({ folder }: Packs, name: string): Promise<Pack | null> {
  try {
    return decodePack(await readWhole(fileOf(folder, name)))
  } catch {
    return null
  }
}

/**
 * Its bytes in memory of their own. Only reading waits for the disk: a look at a file is quick, and turns to other
 * threads and back, as `readFile` takes for every step, cost a simulation a twentieth of its time.
 */
async function readWhole(path: string): Promise<Buffer> {
  const file = openSync(path, 'r')
  try {
    // Not out of the common store: columns are looked at where they lie, which has to be a multiple of eight bytes.
    const bytes = Buffer.allocUnsafeSlow(fstatSync(file).size)
    for (let at = 0; at < bytes.length; ) {
      const count = await readSome(file, bytes.subarray(at))
      if (count === 0) throw new Error(`${path} became shorter`)
      at += count
    }
    return bytes
  } finally {
    closeSync(file)
  }
}

function readSome(file: number, into: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file, into, 0, into.length, null, (error, count) => (error ? reject(error) : resolve(count)))
  })
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.pack`)
}

export async function hasPack({ folder }: Packs, name: string): Promise<boolean> {
  return (await stat(fileOf(folder, name)).catch(() => null)) !== null
}

/**
 * Written whole or not at all, and not where packs were dropped since: somebody may have been erased who is in this
 * one. Returns by how many bytes more is kept now; null where it is not.
 */
export async function writePack(packs: Packs, name: string, pack: Pack): Promise<number | null> {
  const { folder, room } = packs
  const bytes = encodePack(pack)
  const file = fileOf(folder, name)
  const replaced = await stat(file).catch(() => null)
  const more = bytes.length - (replaced?.size ?? 0)
  if (more > 0 && more > room) return null
  const draft = join(folder, `${newId()}${DRAFT}`)
  try {
    await writeFile(draft, bytes, { mode: 0o600 })
    if ((await markOf(folder)) !== packs.mark) return null
    await rename(draft, file)
    return more
  } catch {
    // A full disk, or a folder that is gone: the next simulation reads again.
    return null
  } finally {
    await rm(draft, { force: true })
  }
}

/** What was not asked for in a while, and what was left half-written. */
async function dropOld(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = join(parent, name)
    if (await isOlder(folder, now - KEPT_FOR)) await rm(folder, { recursive: true, force: true })
  }
  for (const file of await filesIn(parent)) {
    if (file.endsWith(DRAFT) && (await isOlder(file, now - DRAFT_FOR))) await rm(file, { force: true })
  }
}

async function isOlder(path: string, than: number): Promise<boolean> {
  const found = await stat(path).catch(() => null)
  return found !== null && found.mtimeMs < than
}

/** How many bytes there are, in files of any depth. */
export async function bytesIn(parent: string): Promise<number> {
  let bytes = 0
  for (const file of await filesIn(parent)) bytes += (await stat(file).catch(() => null))?.size ?? 0
  return bytes
}

async function filesIn(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}
