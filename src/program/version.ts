/**
 * The name of a program's version: a hash of its files. The same files give the same name wherever and in
 * whatever order they are read; a byte more or less in any of them gives another.
 */
import { createHash } from 'node:crypto'
import type { ProgramFiles } from './files.ts'

/** SHA-256, hex, over names in order and contents, each with its length before it. */
export function contentHash(files: ProgramFiles): string {
  const hash = createHash('sha256')
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name)!
    const bytes = new Uint8Array(typeof content === 'string' ? Buffer.from(content, 'utf8') : content)
    hash.update(`${Buffer.byteLength(name)}:${name}${bytes.byteLength}:`).update(bytes)
  }
  return hash.digest('hex')
}
