/**
 * `milepost rules explain`: why a transaction gave what it gave, or a sale in a file would give. What was posted is
 * valued once more with the rules, the member's facts and the limits of its day, all of which were kept, so the
 * answer is that of the day; a quote is of now. Nothing is written.
 */
import { readFile, stat } from 'node:fs/promises'
import { DomainError, invariant } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import { type ExplainedRule, explain, type Valued } from '../earning/explain.ts'
import { newCommand } from '../engine/command.ts'
import { createPrograms } from '../engine/programs.ts'
import { isEvent } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { openEngine, openMigrated } from './installation.ts'
import { findTransaction, type ReturnRow, returnsOf } from './queries.ts'
import { count } from './terminal.ts'
import { programNamed, whoami } from './versions-commands.ts'

/** As large as a body that the API takes. */
const MOST_BYTES = 1024 * 1024

export const rulesExplain: CliCommand = {
  operands: ['txn_…|sale.json'],
  about: [
    'Each rule with what it gave and how: the base, factors, rounding, limits. Rules that gave nothing are told ' +
      'with the first condition that failed, and the value that it saw. It is worked out from what the ledger ' +
      'kept, under the version of then, however long ago that was.',
    'Of a file, which holds the body of POST /v1/transactions, it tells what that sale would give now. Nothing ' +
      'is written.',
  ],
  options: {
    program: {
      about: 'whose rules a file is quoted under; needed where several are published',
      value: 'PROGRAM',
    },
    json: { about: 'the trace as JSON' },
  },
  examples: [
    'milepost rules explain txn_0198c0ffee0070008000000000000001',
    'milepost rules explain sale.json --program corner-coffee --json',
  ],
  async run(call) {
    const named = call.words.operands[0]!
    const told = named.startsWith('txn_') ? await posted(call, named) : await quoted(call, named)
    if (call.words.flag('json')) call.terminal.json(told)
    else call.terminal.print(inWords(told))
    return 0
  },
}

async function posted(call: Call, shown: string): Promise<Explained> {
  const transactionId = readId('transaction', shown, 'transaction_not_found')
  const { sql } = await openMigrated(call)
  const row = await findTransaction(sql, transactionId)
  if (row === null) throw new DomainError('transaction_not_found', { transactionId: shown })
  const program = (await createPrograms(sql)).version(row.program, row.rulesVersion)
  const told = explained(program, { ...row, kept: row.valuation })
  return {
    transactionId: showId('transaction', row.transactionId),
    ...told,
    returns: await returnsOf(sql, row),
  }
}

async function quoted(call: Call, path: string): Promise<Explained> {
  const body = await call.doors.readQuotedSale(await readJson(path))
  const { programs, lane } = await openEngine(call)
  const program = programNamed(call, programs)
  const command = newCommand({ program, source: whoami(), ref: null, at: call.now() }, { kind: 'earn', body })
  const { writes } = await lane.preview(command)
  const [written] = writes.transactions
  invariant(written, 'a sale that is not refused is one')
  const { stored } = written
  return {
    transactionId: null,
    ...explained(programs.version(program, stored.rulesVersion), stored),
    returns: [],
  }
}

async function readJson(path: string): Promise<unknown> {
  const entry = await stat(path).catch(() => null)
  if (!entry?.isFile()) throw new UsageError(`"${path}" is no file, and no id of a transaction (txn_…)`)
  if (entry.size > MOST_BYTES) throw new UsageError(`${path} is larger than a sale: ${entry.size} bytes`)
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`)
  }
}

function explained(program: Program, of: Valued & { readonly memberId: string; readonly occurredAt: Date }) {
  const { kept, request, rulesVersion } = of
  return {
    memberId: showId('member', of.memberId),
    program: program.id,
    rulesVersion,
    type: request.type,
    externalRef: request.externalRef,
    occurredAt: of.occurredAt,
    tiers: kept.member.tiers,
    awards: kept.awards,
    trace: explain(program, of),
  }
}

type Explained = ReturnType<typeof explained> & {
  /** null: a quote */
  readonly transactionId: string | null
  readonly returns: readonly ReturnRow[]
}

function inWords(of: Explained): string {
  const { transactionId, type, externalRef } = of
  const quote = transactionId === null
  const what = quote
    ? `quote: ${type}`
    : `${transactionId}: ${isEvent(type) ? type : `${type} ${externalRef}`}`
  const [some, none] = quote ? ['It would give:', 'It would give nothing.'] : ['It gave:', 'It gave nothing.']
  const lines = [
    `${what} of ${of.memberId}, ${of.occurredAt.toISOString()}`,
    `under ${of.program} ${of.rulesVersion.slice(0, 12)}, as ${tiersInWords(of)}`,
    '',
    of.awards.length === 0 ? none : some,
  ]
  const gave = of.trace.filter(({ points }) => points !== undefined)
  lines.push(...gave.map(({ rule, text }) => `  ${rule}: ${text.slice(`${rule} gave `.length)}`))
  const silent = of.trace.filter(({ points }) => points === undefined)
  if (silent.length > 0)
    lines.push('', quote ? 'These would give nothing:' : 'These gave nothing:', ...silent.map(silentInWords))
  for (const { occurredAt, lines: taken, reversed } of of.returns) {
    const points = reversed.map(({ rule, currency, points: of }) => `${of} ${currency} of ${rule}`).join(', ')
    lines.push(
      '',
      `${count(taken.length, 'line')} taken back ${occurredAt.toISOString()}: ${points || 'no points'}`,
    )
  }
  return lines.join('\n')
}

function tiersInWords({ tiers }: Explained): string {
  const held = Object.entries(tiers).map(([ladder, { tier }]) => `${tier} (${ladder})`)
  return held.length === 0 ? 'a member without tiers' : held.join(', ')
}

function silentInWords({ rule, text }: ExplainedRule): string {
  return `  ${rule}${text.slice(`${rule} gave nothing`.length)}`
}
