/**
 * Who the embedded server runs as, and where its data can stand. PostgreSQL refuses to run as root, so
 * root hands its children to another user, and that user must be able to reach every folder they need.
 */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** What to run the children as; null: as we are. */
export type Runner = { readonly uid: number; readonly gid: number } | null

/** `nobody` on the Linux distributions: owns nothing, so a broken server can break nothing else. */
const NOBODY = 65534
/** Where root keeps what the runner could not reach: the data and the programs of a clone under /root. */
export const ELSEWHERE = '/var/lib/milepost'

/** The cluster's owner where there is one, because PostgreSQL insists on it; else nobody, else ourselves. */
export function runnerFor(clusterFolder: string): Runner {
  if (process.getuid?.() !== 0) return null
  if (process.platform !== 'linux') {
    throw new Error(
      'the embedded PostgreSQL does not run as root here: use an ordinary user, or DATABASE_URL',
    )
  }
  if (existsSync(clusterFolder)) {
    const { uid, gid } = statSync(clusterFolder)
    if (uid !== 0) return { uid, gid }
  }
  return { uid: NOBODY, gid: NOBODY }
}

/** Whether the runner may pass through every folder on the way to `path`, and through `path` itself. */
export function reachableBy(runner: Runner, path: string): boolean {
  if (runner === null) return true
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && !passable(runner, folder)) return false
    if (folder === dirname(folder)) return true
  }
}

function passable(runner: NonNullable<Runner>, folder: string): boolean {
  const { uid, gid, mode } = statSync(folder)
  if (uid === runner.uid) return (mode & 0o100) !== 0
  if (gid === runner.gid) return (mode & 0o010) !== 0
  return (mode & 0o001) !== 0
}

/**
 * Where the server's files for a data folder stand: in it, or, where root's runner could not reach it, in
 * a folder under /var/lib/milepost that is named by the data folder's path.
 */
export function homeFor(dataFolder: string): {
  home: string
  elsewhere: boolean
} {
  const wanted = resolve(dataFolder)
  openOwn(wanted)
  if (reachableBy(runnerFor(join(wanted, 'postgres', 'data')), wanted)) {
    makeHome(wanted, dataFolder)
    // one name for one folder, however it was reached: the server's command line is compared with it
    return { home: realpathSync(wanted), elsewhere: false }
  }
  const home = join(ELSEWHERE, createHash('sha256').update(wanted).digest('hex').slice(0, 16))
  makeHome(home, dataFolder)
  return { home, elsewhere: true }
}

/**
 * Root's own data folder may be closed to others, as one from mktemp is: letting them pass through shows
 * them nothing, because what stands in it has its own modes.
 */
function openOwn(folder: string): void {
  if (process.getuid?.() !== 0 || !existsSync(folder)) return
  const { uid, mode } = statSync(folder)
  if (uid === 0 && (mode & 0o011) !== 0o011) chmodSync(folder, (mode & 0o7777) | 0o011)
}

function makeHome(home: string, dataFolder: string): void {
  try {
    makeFolder(home)
  } catch (cause) {
    const reason = (cause as Error).message
    throw new Error(
      `the data folder ${dataFolder} cannot be used (${reason}): set MILEPOST_DATA to a folder that can be ` +
        'written to and whose parent folders every user may pass through, or set DATABASE_URL',
      { cause },
    )
  }
}

/** Makes a folder and its parents; what it makes is open to pass through, whatever the umask. */
export function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true })
  if (first === undefined) return
  for (let folder = resolve(path); folder.length >= first.length; folder = dirname(folder)) {
    chmodSync(folder, 0o755)
  }
}

/** Nothing of our environment goes to the server but the path: libraries and locales are its own. */
export function childEnv(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
