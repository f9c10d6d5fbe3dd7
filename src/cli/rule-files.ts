/**
 * Rule files on disk for the command line: which programs a path means, and their faults told as good
 * compilers do, with the line and a caret under what is wrong.
 */
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Fault } from '../base/errors.ts'
import { type ProgramFiles, readProgramFiles } from '../program/files.ts'
import { type Loaded, loadProgram } from '../program/load.ts'
import { UsageError } from './command-line.ts'
import type { Style } from './terminal.ts'

export interface Source extends Loaded {
  /** what was read: a program's folder, or one file */
  readonly path: string
  /** what the files' names are relative to; faults name files by the whole path */
  readonly folder: string
  readonly files: ProgramFiles
}

/** A program's file or folder, or a folder of programs. */
export async function readSources(path: string): Promise<Source[]> {
  const entry = await stat(path).catch(() => null)
  if (entry === null) throw new UsageError(`there is no file or folder ${path}`)
  const folders = entry.isDirectory() ? await programFolders(path) : []
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

/** The subfolders that are programs; none where the folder is a program itself. */
export async function programFolders(folder: string): Promise<string[]> {
  const isProgram = (path: string) =>
    stat(join(path, 'program.yaml')).then(
      (entry) => entry.isFile(),
      () => false,
    )
  if (await isProgram(folder)) return []
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
  const found = await Promise.all(folders.map(async (path) => ((await isProgram(path)) ? [path] : [])))
  return found.flat().sort()
}

export async function readSource(path: string): Promise<Source> {
  const files = await readProgramFiles(path)
  const folder = (await stat(path)).isFile() ? dirname(path) : path
  const loaded = loadProgram(files)
  const placed = (fault: Fault): Fault => (fault.file ? { ...fault, file: join(folder, fault.file) } : fault)
  return {
    path,
    folder,
    files,
    program: loaded.program,
    errors: loaded.errors.map(placed),
    warnings: loaded.warnings.map(placed),
  }
}

export interface FaultStyle {
  readonly label: 'error' | 'warning'
  look(style: Style, text: string): string
}

/**
 * `rules/x/program.yaml:7:12 unknown key "weekdya"`, the line, a caret, the hint.
 */
export function faultText(fault: Fault, source: Source, { label, look }: FaultStyle): string {
  const colour = label === 'error' ? 'red' : 'yellow'
  const at = fault.file ? `${fault.file}:${fault.line ?? 1}:${fault.column ?? 1}` : source.path
  const lines = [`${look('bold', at)} ${look(colour, label)} ${fault.message}`]
  const shown = sourceLine(fault, source)
  if (shown !== null) {
    const number = String(fault.line)
    const column = fault.column ?? 1
    // Tabs stay tabs, so that the caret stands where the eye expects it.
    const indent = shown.slice(0, column - 1).replace(/[^\t]/g, ' ')
    lines.push(`  ${look('dim', `${number} |`)} ${shown.slice(0, 200)}`)
    if (column <= 200)
      lines.push(`  ${' '.repeat(number.length)} ${look('dim', '|')} ${indent}${look(colour, '^')}`)
  }
  if (fault.hint !== undefined) lines.push(`  ${look('cyan', 'hint:')} ${fault.hint}`)
  return lines.join('\n')
}

function sourceLine({ file, line }: Fault, { files, folder }: Source): string | null {
  if (file === undefined || line === undefined) return null
  const content = files.get(relative(folder, file))
  if (content === undefined) return null
  const text = typeof content === 'string' ? content : new TextDecoder().decode(content)
  const shown = text.split(/\r\n|\r|\n/)[line - 1]
  // A hostile file's control characters must not reach the terminal.
  return shown === undefined ? null : shown.replace(/[^\P{Cc}\t]/gu, '\uFFFD')
}
