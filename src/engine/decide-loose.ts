/**
 * Sales that came without a member. One is kept as it came, valued by nobody; when it is attached, it earns as
 * of its own day like any sale that arrives late, under the id that its receipt names.
 */
import { DomainError } from '../base/errors.ts'
import { idsOf, showId } from '../base/ids.ts'
import { readTransaction } from '../earning/facts.ts'
import type { EarnReply, TransactionBody } from '../earning/transaction.ts'
import type { Command } from './command.ts'
import { decideEarn } from './decide-earn.ts'
import type { Deciding, RulesInForce } from './deciding.ts'
import { type GroupState, type LooseSale, noWrites, type Writes } from './state.ts'

export interface LooseReply {
  transactionId: string
  memberId: null
  awards: []
  balances: []
  tier: null
}

export function isLoose(body: TransactionBody): boolean {
  return body.memberId === undefined && body.identifier === undefined
}

/** Keeps a sale for whoever it will turn out to belong to. Refuses what no member could be credited with. */
export function decideLoose(
  input: { group: GroupState; command: Command; rules: RulesInForce },
  body: TransactionBody,
): { writes: Writes; owner: string; reply: LooseReply } {
  const { group, command, rules } = input
  const program = rules.at(command.program, new Date(body.occurredAt))
  const { occurredAt } = readTransaction(program, body, command.at)
  const transactionId = idsOf(command.commandId).next()
  const sale: LooseSale = {
    transactionId,
    program: command.program,
    source: command.source,
    request: body,
    occurredAt,
    memberId: null,
  }
  group.loose.set(transactionId, sale)
  const writes = noWrites()
  writes.loose.push({ command, sale })
  const shown = showId('transaction', transactionId)
  return {
    writes,
    owner: transactionId,
    reply: { transactionId: shown, memberId: null, awards: [], balances: [], tier: null },
  }
}

/** The sale that a command attaches; refuses one that has its member. */
export function looseSale(group: GroupState, { program }: Command, transactionId: string): LooseSale {
  const sale = group.loose.get(transactionId)
  const id = showId('transaction', transactionId)
  if (sale?.program !== program) {
    if (group.transactionOwners.has(transactionId)) throw new DomainError('transaction_attached', { id })
    throw new DomainError('transaction_not_found', { id })
  }
  if (sale.memberId !== null) throw new DomainError('transaction_attached', { id })
  return sale
}

/** A sale without a member has nothing to take back yet; whoever returns it is told so. */
export function mustBeAttached(group: GroupState, { program }: Command, transactionId: string): void {
  const sale = group.loose.get(transactionId)
  if (sale?.program !== program) return
  throw new DomainError('transaction_not_attached', { id: showId('transaction', transactionId) })
}

export function decideAttach(deciding: Deciding, transactionId: string): EarnReply {
  const { command, group, state } = deciding
  const sale = looseSale(group, command, transactionId)
  const reply = decideEarn(deciding, sale.request, sale)
  deciding.writes.loose.push({ command, sale: { ...sale, memberId: state.member.memberId } })
  return reply
}
