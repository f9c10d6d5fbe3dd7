/**
 * Writes scores as CSV. The file appears whole or not at all: it is written beside its place and renamed, so
 * that a run that fails leaves an older file as it was.
 */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { FeedError } from './feed.ts'

export async function writeParts(file: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
  const beside = `${file}.part-${process.pid}`
  try {
    const source = Readable.from(parts, { objectMode: false })
    if (file.endsWith('.gz')) await pipeline(source, createGzip(), createWriteStream(beside))
    else await pipeline(source, createWriteStream(beside))
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    const { code } = error as NodeJS.ErrnoException
    const wrong = {
      ENOENT: 'its folder is not there',
      EACCES: 'it may not be written',
      EISDIR: 'it is a folder',
    }
    const why = wrong[code as keyof typeof wrong]
    throw why === undefined ? error : new FeedError(file, null, why)
  }
}
