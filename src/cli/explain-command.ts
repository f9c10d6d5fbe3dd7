/**
 * `milepost rules explain`: why a transaction gave what it gave. It is valued once more with the rules,
 * the member's facts and the limits of its day, all of which were kept, so the answer is that of the day.
 */
import { DomainError, invariant } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import { readTransaction } from '../earning/facts.ts'
import { memberFactsOf } from '../earning/valued.ts'
import { createPrograms, type Programs } from '../engine/programs.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { RuleTrace } from '../rules/facts.ts'
import type { CliCommand } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { findTransaction, type ReturnRow, returnsOf, type TransactionRow } from './queries.ts'
import { count } from './terminal.ts'

export const rulesExplain: CliCommand = {
  name: 'rules explain',
  summary: 'why a transaction gave what it gave, rule by rule',
  operands: ['txn_…'],
  about: [
    'Rules that gave nothing are told with the first condition that failed, and the value that it saw.',
  ],
  options: { json: { about: 'the trace as JSON' } },
  examples: ['milepost rules explain txn_0198c0ffee0070008000000000000001'],
  async run(call) {
    const shown = call.words.operands[0]!
    const transactionId = readId('transaction', shown, 'transaction_not_found')
    const { sql } = await openMigrated(call)
    const row = await findTransaction(sql, transactionId)
    if (row === null) throw new DomainError('transaction_not_found', { transactionId: shown })
    const explained = {
      ...explain(row, await createPrograms(sql)),
      returns: await returnsOf(sql, row),
    }
    if (call.words.flag('json')) call.terminal.json(explained)
    else call.terminal.print(inWords(explained))
    return 0
  },
}

function explain(row: TransactionRow, programs: Programs) {
  const { valuation: kept } = row
  const program = programs.version(row.program, row.rulesVersion)
  const used = new Map(kept.used.map(({ limit, period, points }) => [`${limit} ${period}`, BigInt(points)]))
  const { trace, awards } = evaluate(program.rules, {
    transaction: readTransaction(program, row.request, row.recordedAt),
    member: memberFactsOf(kept),
    used: (limit, period) => used.get(`${limit} ${period}`) ?? 0n,
    explain: true,
  })
  const given = awards.map(({ rule, currency, points }) => `${rule} ${currency} ${points}`)
  const recorded = kept.awards.map(({ rule, currency, points }) => `${rule} ${currency} ${points}`)
  invariant(
    given.join('\n') === recorded.join('\n'),
    'the same facts under the same rules give the same awards',
  )
  return {
    transactionId: showId('transaction', row.transactionId),
    memberId: showId('member', row.memberId),
    program: row.program,
    rulesVersion: row.rulesVersion,
    type: row.request.type,
    externalRef: row.externalRef,
    occurredAt: row.occurredAt,
    tiers: kept.member.tiers,
    awards: kept.awards,
    trace,
  }
}

type Explained = ReturnType<typeof explain> & { readonly returns: readonly ReturnRow[] }

function inWords(of: Explained): string {
  const lines = [
    `${of.transactionId}: ${of.type} ${of.externalRef} of ${of.memberId}, ${of.occurredAt.toISOString()}`,
    `under ${of.program} ${of.rulesVersion.slice(0, 12)}, as ${tiersInWords(of)}`,
    '',
    of.awards.length === 0 ? 'It gave nothing.' : 'It gave:',
  ]
  for (const { rule, currency, points, lineId, explanation } of of.awards) {
    const line = lineId === undefined ? '' : ` for line ${lineId}`
    lines.push(`  ${rule}: ${points} ${currency}${line}: ${explanation}`)
  }
  const silent = of.trace.filter(({ fired }) => !fired)
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

function silentInWords({ rule, lineId, because }: RuleTrace): string {
  return `  ${rule}${lineId === undefined ? '' : ` for line ${lineId}`}: ${because ?? 'it came to 0'}`
}
