/**
 * Rule files on disk for the command line: which programs a path means, and the lines that their faults
 * are on.
 */
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Fault } from '../base/errors.ts'
import { type ProgramFiles, readProgramFiles } from '../program/files.ts'
import { type Loaded, loadProgram } from '../program/load.ts'
import { UsageError } from './command-line.ts'
import { type FaultStyle, faultInLine } from './fault-text.ts'

export interface Source extends Loaded {
  /** what was read: a program's folder, or one file */
  readonly path: string
  /** what the files' names are relative to; faults name files by the whole path */
  readonly folder: string
  readonly files: ProgramFiles
}

/** A program's file or folder, or a folder of programs; with `shelves`, also one of folders of programs. */
export async function readSources(path: string, { shelves = false } = {}): Promise<Source[]> {
  const entry = await stat(path).catch(() => null)
  if (entry === null) throw new UsageError(`there is no file or folder ${path}`)
  const folders = entry.isDirectory() ? await programFolders(path, { shelves }) : []
  return Promise.all((folders.length > 0 ? folders : [path]).map(readSource))
}

/** Exactly one program. */
export async function readOneSource(path: string): Promise<Source> {
  const sources = await readSources(path)
  const [source] = sources
  if (source === undefined || sources.length > 1) {
    const found = sources.map((each) => each.path).join(', ')
    throw new UsageError(`${path} holds several programs (${found}): name one of them`)
  }
  return source
}

/**
 * The subfolders that are programs; none where the folder is a program itself. With `shelves`, those of
 * subfolders that are none as well: `serve` takes only the programs that stand in its folder.
 */
async function programFolders(folder: string, { shelves = false } = {}): Promise<string[]> {
  const isProgram = (path: string) =>
    stat(join(path, 'program.yaml')).then(
      (entry) => entry.isFile(),
      () => false,
    )
  if (await isProgram(folder)) return []
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
  const within = async (path: string): Promise<string[]> => {
    if (await isProgram(path)) return [path]
    return shelves ? programFolders(path) : []
  }
  const found = await Promise.all(folders.map(within))
  return found.flat().sort()
}

async function readSource(path: string): Promise<Source> {
  const files = await readProgramFiles(path)
  const folder = (await stat(path)).isFile() ? dirname(path) : path
  const loaded = loadProgram(files)
  const placed = (fault: Fault) => placedIn(folder, fault)
  return {
    path,
    folder,
    files,
    program: loaded.program,
    errors: loaded.errors.map(placed),
    warnings: loaded.warnings.map(placed),
  }
}

/** The fault with its file named as a person would open it. */
export function placedIn(folder: string, fault: Fault): Fault {
  return fault.file ? { ...fault, file: join(folder, fault.file) } : fault
}

/** The fault with its line; its first words alone where no file of the source has it. */
export function faultText(fault: Fault, source: Source, style: FaultStyle): string {
  return faultInLine(fault, { place: source.path, line: sourceLine(fault, source) }, style)
}

function sourceLine({ file, line }: Fault, source: Source): string | null {
  if (file === undefined || line === undefined) return null
  return linesIn(source, relative(source.folder, file))?.[line - 1] ?? null
}

const taken = new WeakMap<Source, Map<string, string[]>>()

/** Taken apart once: a file may have hundreds of faults. Null: the source has no such file. */
function linesIn(source: Source, name: string): string[] | null {
  const content = source.files.get(name)
  if (content === undefined) return null
  const files = taken.get(source) ?? new Map<string, string[]>()
  taken.set(source, files)
  const known = files.get(name)
  if (known !== undefined) return known
  const text = typeof content === 'string' ? content : new TextDecoder().decode(content)
  const lines = text.split(/\r\n|\n/)
  files.set(name, lines)
  return lines
}
