/**
 * `milepost rules explain`: why a transaction gave what it gave. It is valued once more with the rules,
 * the member's facts and the limits of its day, all of which were kept, so the answer is that of the day.
 */
import { DomainError } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import { type ExplainedRule, explain } from '../earning/explain.ts'
import { createPrograms, type Programs } from '../engine/programs.ts'
import { isEvent } from '../program/events.ts'
import type { CliCommand } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { findTransaction, type ReturnRow, returnsOf, type TransactionRow } from './queries.ts'
import { count } from './terminal.ts'

export const rulesExplain: CliCommand = {
  operands: ['txn_…'],
  about: [
    'Each rule with what it gave and how: the base, factors, rounding, limits. Rules that gave nothing are told ' +
      'with the first condition that failed, and the value that it saw. It is worked out from what the ledger ' +
      'kept, under the version of then, however long ago that was.',
  ],
  options: { json: { about: 'the trace as JSON' } },
  examples: ['milepost rules explain txn_0198c0ffee0070008000000000000001'],
  async run(call) {
    const shown = call.words.operands[0]!
    const transactionId = readId('transaction', shown, 'transaction_not_found')
    const { sql } = await openMigrated(call)
    const row = await findTransaction(sql, transactionId)
    if (row === null) throw new DomainError('transaction_not_found', { transactionId: shown })
    const told = { ...explained(row, await createPrograms(sql)), returns: await returnsOf(sql, row) }
    if (call.words.flag('json')) call.terminal.json(told)
    else call.terminal.print(inWords(told))
    return 0
  },
}

function explained(row: TransactionRow, programs: Programs) {
  const { valuation: kept, request, recordedAt } = row
  const program = programs.version(row.program, row.rulesVersion)
  return {
    transactionId: showId('transaction', row.transactionId),
    memberId: showId('member', row.memberId),
    program: row.program,
    rulesVersion: row.rulesVersion,
    type: request.type,
    externalRef: row.externalRef,
    occurredAt: row.occurredAt,
    tiers: kept.member.tiers,
    awards: kept.awards,
    trace: explain(program, { request, recordedAt, kept, rulesVersion: row.rulesVersion }),
  }
}

type Explained = ReturnType<typeof explained> & { readonly returns: readonly ReturnRow[] }

function inWords(of: Explained): string {
  const lines = [
    `${of.transactionId}: ${isEvent(of.type) ? of.type : `${of.type} ${of.externalRef}`} of ${of.memberId}, ${of.occurredAt.toISOString()}`,
    `under ${of.program} ${of.rulesVersion.slice(0, 12)}, as ${tiersInWords(of)}`,
    '',
    of.awards.length === 0 ? 'It gave nothing.' : 'It gave:',
  ]
  const gave = of.trace.filter(({ points }) => points !== undefined)
  lines.push(...gave.map(({ rule, text }) => `  ${rule}: ${text.slice(`${rule} gave `.length)}`))
  const silent = of.trace.filter(({ points }) => points === undefined)
  if (silent.length > 0) lines.push('', 'These gave nothing:', ...silent.map(silentInWords))
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
