/**
 * A program's files, by name relative to its folder. Reading is bounded in number and size, and takes
 * regular files inside the folder only: a link that leads elsewhere is not followed.
 */
import { lstat, readdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Report } from '../rules/node.ts'

/** Relative name (`program.yaml`, `campaigns/spring.yaml`) -> content. */
export type ProgramFiles = ReadonlyMap<string, Uint8Array | string>

const mostFiles = 200
const mostBytesPerFile = 1024 * 1024
const mostBytes = 4 * mostBytesPerFile

const NAME = /^(campaigns\/)?[A-Za-z0-9_][A-Za-z0-9._-]*$/

export type FileKind = 'program' | 'campaign' | 'examples'

export function kindOf(name: string): FileKind {
  if (name.endsWith('.examples.yaml')) return 'examples'
  return name.startsWith('campaigns/') ? 'campaign' : 'program'
}

/**
 * Reads a program's folder: its `*.yaml` and those of `campaigns/`. A path to `program.yaml` means its
 * folder; a path to any other file means that file alone, with the examples that carry its name. Files of
 * the other ending, `.yml`, are read too, so that loading can say that they are misnamed.
 */
export async function readProgramFiles(given: string): Promise<ProgramFiles> {
  // The path itself may be a link: whoever gave it means what it leads to.
  const path = await realpath(given)
  const found = new Map<string, Uint8Array>()
  const budget = { bytes: mostBytes }
  const entry = await lstat(path)
  const folder = entry.isDirectory() ? path : dirname(path)
  if (entry.isDirectory() || basename(path) === 'program.yaml') {
    await readFolder(folder, '', { found, budget })
    await readFolder(folder, 'campaigns', { found, budget })
    return found
  }

  const name = basename(path)
  const examples = name.replace(/\.ya?ml$/, '.examples.yaml')
  for (const each of new Set([name, examples])) await readOne(folder, each, { found, budget })
  return found
}

interface Reading {
  readonly found: Map<string, Uint8Array>
  /** one byte past it is still read, so that loading sees that it is too much */
  readonly budget: { bytes: number }
}

async function readFolder(folder: string, inner: string, reading: Reading): Promise<void> {
  const here = join(folder, inner)
  const entry = await lstat(here).catch(() => null)
  if (!entry?.isDirectory()) return
  const names = await readdir(here)
  for (const name of names.sort()) {
    if (name.startsWith('.') || !/\.ya?ml$/.test(name)) continue
    if (reading.found.size > mostFiles || reading.budget.bytes < 0) return
    await readOne(folder, inner === '' ? name : `${inner}/${name}`, reading)
  }
}

async function readOne(folder: string, name: string, { found, budget }: Reading): Promise<void> {
  const path = join(folder, name)
  const entry = await lstat(path).catch(() => null)
  if (!entry?.isFile()) return
  // A file over the bound is not worth its memory: a stand-in of one byte too many is refused all the same.
  const content =
    entry.size > mostBytesPerFile
      ? new Uint8Array(mostBytesPerFile + 1)
      : new Uint8Array(await readFile(path))
  found.set(name, content)
  budget.bytes -= content.byteLength
}

/** Reports what is wrong with the files as such, before any of them is parsed. The names that may be used. */
export function checkFiles(files: ProgramFiles, report: Report): string[] {
  const place = (file: string) => ({ file, line: 1, column: 1, path: '' })
  const usable: string[] = []
  let bytes = 0
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name)!
    const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength
    bytes += size
    if (usable.length === mostFiles || bytes > mostBytes) {
      const message = `a program is at most ${mostFiles} files and ${mostBytes / 1024 / 1024} MB`
      report({ at: place(name), message })
      return []
    }
    if (!NAME.test(name))
      report({ at: place(shown(name)), message: `"${shown(name)}" is not a name of a rule file` })
    else if (!name.endsWith('.yaml'))
      report({ at: place(name), message: 'rule files end in ".yaml"', hint: rename(name) })
    else if (size > mostBytesPerFile) report({ at: place(name), message: 'a rule file is at most 1 MB' })
    else usable.push(name)
  }
  if (usable.some((name) => name === 'program.yaml')) return usable
  // A program in one file may have any name; several files need one that is the first.
  const main = usable.filter((name) => kindOf(name) === 'program')
  if (main.length === 1 && usable.every((name) => kindOf(name) !== 'campaign')) return usable
  report({
    at: place('program.yaml'),
    message: 'there is no file "program.yaml" in the folder',
    hint: lookedFor(usable),
  })
  return usable
}

function shown(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name
}

function rename(name: string): string {
  return `rename it to "${name.replace(/\.[^.]*$/, '')}.yaml"`
}

function lookedFor(names: readonly string[]): string {
  return names.length === 0
    ? 'the folder holds no ".yaml" file; a program begins with `program: its-id` in "program.yaml"'
    : `found ${names.slice(0, 5).join(', ')}; the file with \`program:\` is named "program.yaml"`
}
