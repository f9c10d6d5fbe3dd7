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

export const scoreColumns = [
  'memberId',
  'p_silent',
  'p_decline',
  'p_alive',
  'expected_purchases',
  'expected_value',
  'state',
  'flag',
  'reason',
  'since',
] as const

const CHUNK = 64 * 1024

export async function writeLines(file: string, lines: Iterable<string>): Promise<void> {
  const beside = `${file}.part-${process.pid}`
  try {
    const source = Readable.from(chunks(lines), { objectMode: false })
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

/** Lines joined to chunks of a size that streams are made for; one by one they take many times as long. */
function* chunks(lines: Iterable<string>): Generator<Buffer> {
  let text = ''
  for (const line of lines) {
    text += line
    if (text.length < CHUNK) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}

export function cell(text: string): string {
  // A spreadsheet takes a leading = + - @ for a formula; an id or a sentence is none.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
