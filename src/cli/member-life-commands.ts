/** `milepost members merge|unmerge|close|reopen|erase|export`: what becomes of members, for somebody at a terminal. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { newId, showId } from '../base/ids.ts'
import { newCommand, type Request } from '../engine/command.ts'
import { exportMember } from '../engine/export.ts'
import { wholeMember } from '../engine/queries-kin.ts'
import { dropPacks } from '../simulate/packs.ts'
import { type Call, type CliCommand, type CliOption, UsageError } from './command-line.ts'
import { type Engine, openEngine, openMigrated } from './installation.ts'
import { memberOf } from './members-command.ts'
import type { MemberRow } from './queries.ts'

const SOURCE = 'cli'
/** Enough at once that a pipe is not woken for each line. */
const PIECE = 65_536
const WHO = 'mem_…|kind:value'

const options: Readonly<Record<string, CliOption>> = {
  program: { about: 'where the identifier is of several programs', value: 'PROGRAM' },
  ref: { about: 'a reference that makes it safe to repeat; a fresh one where it is left out', value: 'REF' },
  json: { about: 'the answer as JSON' },
}
const reason: CliOption = { about: 'why, for the record', value: 'TEXT' }

export const membersMerge: CliCommand = {
  operands: [WHO, 'duplicate'],
  about: [
    'Points, tier counters and history come together under the first one, and every identifier of the duplicate ' +
      'opens it. Refused while points of the duplicate are held for a redemption.',
  ],
  options,
  examples: [
    'milepost members merge card:4711 card:4712',
    'milepost members merge card:4711 mem_0198… --json',
  ],
  run: (call) => runMerging(call, 'merge'),
}

export const membersUnmerge: CliCommand = {
  operands: [WHO, 'duplicate'],
  about: [
    'The duplicate gets back its identifiers, its history, and of each lot what it brought, as far as that is ' +
      'still there. What was spent or has lapsed in between stays spent; what was earned stays with the member.',
  ],
  options,
  examples: ['milepost members unmerge card:4711 card:4712'],
  run: (call) => runMerging(call, 'unmerge'),
}

export const membersClose: CliCommand = {
  operands: [WHO],
  about: [
    'The member earns and redeems no more. Points are forfeited or kept, as the program says under `closing`.',
  ],
  options: { ...options, reason },
  examples: ['milepost members close card:4711 --reason "asked at the desk"'],
  run: (call) => runEnding(call, 'close'),
}

export const membersReopen: CliCommand = {
  operands: [WHO],
  about: ['With the points that the program let the member keep; forfeited ones do not come back.'],
  options: { ...options, reason },
  examples: ['milepost members reopen card:4711'],
  run: (call) => runEnding(call, 'reopen'),
}

export const membersErase: CliCommand = {
  operands: [WHO],
  about: [
    'Profile, attributes, consents and identifiers are gone everywhere, also those of merged duplicates; points ' +
      'are forfeited; the ledger stays whole and knows the member by its id alone. This cannot be undone, so it ' +
      'asks for --yes. Export the member first where that is owed.',
  ],
  options: { ...options, reason, yes: { about: 'yes, for good' } },
  examples: ['milepost members erase card:4711 --yes'],
  run(call) {
    if (!call.words.flag('yes')) throw new UsageError('erasing cannot be undone: say so with --yes')
    return runEnding(call, 'erase')
  },
}

export const membersExport: CliCommand = {
  operands: [WHO],
  about: ['Written as it is read, so its size does not matter. A file appears only once it is whole.'],
  options: {
    program: options.program!,
    out: { about: 'the file to write; standard output where it is left out', value: 'FILE' },
  },
  examples: [
    'milepost members export card:4711 --out ada.json',
    'milepost members export mem_0198… | jq .entries',
  ],
  run: runExport,
}

async function runMerging(call: Call, kind: 'merge' | 'unmerge'): Promise<number> {
  const engine = await openEngine(call)
  // Un-merging names the duplicate by what opens it now, which is itself, merged or not.
  const member = await memberOf(engine.sql, call)
  const duplicate = await memberOf(engine.sql, call, 1)
  const ask = (externalRef: string): Request => ({
    kind,
    memberId: member.memberId,
    body: { externalRef, duplicate: duplicate.memberId },
  })
  return run(call, engine, { member, ask })
}

async function runEnding(call: Call, kind: 'close' | 'reopen' | 'erase'): Promise<number> {
  const engine = await openEngine(call)
  const member = await memberOf(engine.sql, call)
  const why = call.words.text('reason')
  const ask = (externalRef: string): Request => ({
    kind,
    memberId: member.memberId,
    body: { externalRef, ...(why !== undefined && { reason: why }) },
  })
  const code = await run(call, engine, { member, ask })
  if (kind === 'erase') await dropPacks(engine.config.dataFolder)
  return code
}

interface Answer {
  memberId: string
  status?: string
  balances?: { currency: string; available: number }[]
  duplicate?: { memberId: string; status: string; balances: { currency: string; available: number }[] }
}

async function run(
  call: Call,
  { lane }: Engine,
  what: { member: MemberRow; ask: (ref: string) => Request },
): Promise<number> {
  const ref = call.words.text('ref') ?? newId()
  const from = { program: what.member.program, source: SOURCE, ref, at: call.now() }
  const { body } = await lane.run(newCommand(from, what.ask(ref)))
  const answer = JSON.parse(body) as Answer
  if (call.words.flag('json')) call.terminal.json(answer)
  else call.terminal.print(inWords(answer))
  return 0
}

function inWords({ memberId, status, balances, duplicate }: Answer): string {
  const points = (of: Answer['balances'] = []) =>
    of.map(({ currency, available }) => `${available.toLocaleString('en')} ${currency}`).join(', ')
  if (duplicate === undefined) return `${memberId} is ${status}`
  return [
    `${memberId} has ${points(balances)}`,
    `${duplicate.memberId} is ${duplicate.status} and has ${points(duplicate.balances)}`,
  ].join('\n')
}

async function runExport(call: Call): Promise<number> {
  const { sql } = await openMigrated(call)
  const member = await memberOf(sql, call)
  const whole = await wholeMember(sql, member)
  const text = await exportMember(sql, { ...whole, at: call.now() })
  const out = call.words.text('out')
  if (out === undefined) {
    let whole = ''
    for await (const piece of text) {
      whole += piece
      if (whole.length < PIECE) continue
      call.terminal.print(whole.trimEnd())
      whole = ''
    }
    call.terminal.print(whole.trimEnd())
    return 0
  }
  const partial = `${out}.part`
  try {
    await pipeline(Readable.from(text), createWriteStream(partial, { mode: 0o600 }), {
      signal: call.closing.signal,
    })
    await rename(partial, out)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
  call.terminal.note(`wrote ${out}: all that is known of ${showId('member', whole.memberId)}`)
  return 0
}
