/** `milepost events`: what happened in a program, in the order of commit, for those who would rather pull. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from '../db/connection.ts'
import { createPrograms } from '../engine/programs.ts'
import { BEGINNING, type Place, readEvents } from '../events/queries.ts'
import { placeAfter, showPlace, type WireEvent, wireEvent } from '../events/wire.ts'
import { type Call, type CliCommand, UsageError, type Words } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { count } from './terminal.ts'

const PAGE = 500
const MOST_TYPES = 20
/** Milliseconds between readings that found nothing: soon at first, then seldom. */
const SOONEST = 500
const SELDOM = 5_000

export const eventsCommand: CliCommand = {
  about: [
    'Every event of the program, oldest first, in the order in which it was committed: nothing is skipped, however ' +
      'many write at once. What is noted at the end as the position is --after of the next reading. Events are kept for ' +
      'MILEPOST_EVENT_DAYS days (90).',
    '--follow goes on with what comes, looking every half a second while there is something and every five seconds ' +
      'while there is not; Ctrl-C ends it, and the position is noted then too.',
  ],
  options: {
    program: { about: 'the program', value: 'ID', required: true },
    after: { about: 'an event id or a position; else from the beginning', value: 'EVENT' },
    type: {
      about: `only events of this type, or of these (${MOST_TYPES}), with commas between`,
      value: 'TYPE',
    },
    limit: { about: 'so many at most; else all', value: 'N' },
    format: {
      about: 'table or jsonl, one JSON document a line (table)',
      value: 'FORMAT',
      choices: ['table', 'jsonl'],
    },
    follow: { about: 'goes on with what comes' },
  },
  examples: [
    'milepost events --program gift-shop --type retention.flag_raised',
    'milepost events --program gift-shop --format jsonl --after evt_0198f0a2b3c4700080000000000e0001 > events.jsonl',
    'milepost events --program gift-shop --type campaign.message --format jsonl --follow | ./send-messages',
  ],
  async run(call) {
    const { words, terminal, closing } = call
    const [types, limit] = [typesIn(words), limitIn(words)]
    const { sql } = await openMigrated(call)
    const program = words.required('program')
    const programs = await createPrograms(sql)
    // A program without any rules has no events either: it is refused as unknown.
    programs.at(program, call.now())
    const after = words.text('after')
    const from = after === undefined ? BEGINNING : await placeAfter(sql, program, after)
    const reading: Reading = { sql, program, types, limit, from, found: 0 }
    try {
      await readOn(call, reading)
    } catch (error) {
      // Interrupted in the midst of a statement: what was read, was read.
      if (!closing.signal.aborted) throw error
    }
    const end = reading.from === BEGINNING ? '' : `; position ${showPlace(reading.from)}`
    terminal.note(`${count(reading.found, 'event')}${end}`)
    return 0
  },
}

interface Reading {
  readonly sql: Sql
  readonly program: string
  readonly types: readonly string[] | null
  readonly limit: number
  from: Place
  found: number
}

async function readOn({ words, terminal, closing }: Call, reading: Reading): Promise<void> {
  const line = words.text('format') === 'jsonl' ? JSON.stringify : inWords
  const { sql, program, types, limit } = reading
  let pause = SOONEST
  while (reading.found < limit && !closing.signal.aborted) {
    const most = Math.min(PAGE, limit - reading.found)
    const { events, end, isAll } = await readEvents(sql, { program, after: reading.from, types, limit: most })
    for (const event of events) terminal.print(line(wireEvent(event)))
    reading.from = end
    reading.found += events.length
    if (!isAll) continue
    if (!words.flag('follow')) return
    pause = events.length > 0 ? SOONEST : Math.min(SELDOM, 2 * pause)
    await wait(pause, undefined, { signal: closing.signal })
  }
}

function inWords({ at, type, memberId, eventId, data }: WireEvent): string {
  return [at, type.padEnd(24), (memberId ?? '–').padEnd(36), eventId, JSON.stringify(data)].join('  ')
}

function typesIn(words: Words): readonly string[] | null {
  const text = words.text('type')
  if (text === undefined) return null
  const types = [...new Set(text.split(','))]
  if (types.length <= MOST_TYPES && types.every((type) => /^[A-Za-z_.]{1,60}$/.test(type))) return types
  throw new UsageError(
    `option --type is a type, or at most ${MOST_TYPES} with commas between, not "${text}"`,
    'such as transaction.earned',
  )
}

function limitIn(words: Words): number {
  const text = words.text('limit')
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`option --limit is a whole number from 1, not "${text}"`)
}
