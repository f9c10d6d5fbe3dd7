/**
 * The files of the embedded server: `<home>/postgres/` with the data, the password and the server's log.
 * The folder appears whole or not at all: it is made under another name and renamed, so that a start that
 * was cut short, or two at once, never leave a half-made one.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Binaries } from './binaries.ts'
import { childEnv, isAlive, makeFolder, type Runner } from './runner.ts'

export const USER = 'milepost'

export interface Cluster {
  readonly data: string
  readonly log: string
  readonly password: string
}

export interface ClusterPlan {
  readonly home: string
  readonly runner: Runner
  readonly programs: Binaries
  readonly fast: boolean
}

/** The cluster under `home`, made now where there is none yet. */
export async function ensureCluster(plan: ClusterPlan): Promise<Cluster> {
  const folder = join(plan.home, 'postgres')
  if (!existsSync(folder)) await makeCluster(folder, plan)

  const data = join(folder, 'data')
  const found = readAs(join(data, 'PG_VERSION')).trim()
  if (found !== plan.programs.major) {
    throw new Error(
      `${data} was made by PostgreSQL ${found}, and this Milepost brings PostgreSQL ${plan.programs.major}: ` +
        `dump it with PostgreSQL ${found} and restore it into a new MILEPOST_DATA folder`,
    )
  }
  return {
    data,
    log: join(folder, 'server.log'),
    password: readAs(join(folder, 'password')).trim(),
  }
}

function readAs(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') throw cause
    throw new Error(
      `${file} belongs to another user: run as that user, or set MILEPOST_DATA to a folder of your own`,
      { cause },
    )
  }
}

async function makeCluster(folder: string, plan: ClusterPlan): Promise<void> {
  sweepLeftovers(plan.home)
  const side = `${folder}.making-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    makeFolder(side)
    const data = join(side, 'data')
    const password = join(side, 'password')
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(password, `${randomBytes(24).toString('base64url')}\n`, {
      mode: 0o600,
    })
    if (plan.runner) {
      for (const path of [data, password]) chownSync(path, plan.runner.uid, plan.runner.gid)
    }
    await runInitdb(data, password, plan)
    chmodSync(data, 0o700)
    renameSync(side, folder)
  } catch (error) {
    rmSync(side, { recursive: true, force: true })
    // Renaming onto a folder that is not empty fails: another process made the cluster first, so use that one.
    if (!existsSync(join(folder, 'password'))) throw error
  }
}

async function runInitdb(data: string, password: string, plan: ClusterPlan): Promise<void> {
  const options = [
    ...['-D', data, '-U', USER, `--pwfile=${password}`, '--auth=scram-sha-256', '--encoding=UTF8'],
    // sorts by code point and folds case by Unicode, the same on every machine
    ...['--locale-provider=builtin', '--locale=C.UTF-8'],
    ...(plan.fast ? ['--no-sync'] : []),
  ]
  try {
    // The working folder must be one that the runner can enter, and the caller's may not be.
    await promisify(execFile)(plan.programs.initdb, options, {
      ...plan.runner,
      cwd: '/',
      env: childEnv(),
    })
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string }
    throw new Error(`PostgreSQL could not make its data folder: ${stderr?.trim() || message}`, { cause })
  }
}

/** Side folders of processes that died while making a cluster. */
function sweepLeftovers(home: string): void {
  for (const name of readdirSync(home)) {
    const pid = /^postgres\.making-(\d+)-/.exec(name)?.[1]
    if (pid && !isAlive(Number(pid))) rmSync(join(home, name), { recursive: true, force: true })
  }
}
