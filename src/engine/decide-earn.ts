/** Earning and returning, as commands on a member's state. */
import { DomainError, invariant } from '../base/errors.ts'
import { showId } from '../base/ids.ts'
import { claimOf, mustBeInTime } from '../earning/claim.ts'
import type { Earned } from '../earning/earn.ts'
import { readInstant, readTransaction } from '../earning/facts.ts'
import { takeBack } from '../earning/return.ts'
import type { EarnReply, ReturnBody, ReturnReply, TransactionBody } from '../earning/transaction.ts'
import { mustBeActive } from '../members/enrol.ts'
import { ENGINE_SOURCE, isEvent } from '../program/events.ts'
import type { Program } from '../program/program.ts'
import { climbBack, climbFrom } from './climb.ts'
import { type Fact, givenBy, hasClocks, noteFact, putBackLapsed } from './clocks.ts'
import { announce, balancesOf, count, type Deciding, record, standingsOf, tierShown } from './deciding.ts'
import { earnNow } from './earned.ts'
import { tellOfTiers } from './occur.ts'
import { settleAfter } from './settle.ts'
import { tierChange, tiersAt } from './standings.ts'
import { claimKey, type LooseSale } from './state.ts'

/** `loose`: the sale came earlier, without its member, and keeps its id and its source. */
export function decideEarn(deciding: Deciding, body: TransactionBody, loose?: LooseSale): EarnReply {
  const { command, rules, nextId } = deciding
  const { member } = deciding.state
  mustBeActive(member)
  // Read once with the rules of today to know when it happened, then with those that were in force then.
  const occurredAt = readInstant(body.occurredAt, command.at, '/occurredAt')
  const program = rules.at(command.program, occurredAt)
  if (isEvent(body.type) && command.source !== ENGINE_SOURCE) throw notToBePosted(body.type)
  const facts = readTransaction(program, body, command.at)
  mustBeInTime(program, { type: body.type, occurredAt, at: command.at })

  const tiersBefore = standingsOf(deciding)
  const transactionId = loose?.transactionId ?? nextId()
  claim(deciding, program, { body, transactionId })
  const tiers = tiersAt(deciding, program, occurredAt)
  const outcome = earnNow(deciding, { program, facts, at: occurredAt, tiers, transactionId })
  if (hasClocks(deciding))
    noteFact(deciding, { kind: 'earn', type: facts.type, occurredAt, ...cameIn(outcome) })
  const stored = {
    transactionId,
    memberId: member.memberId,
    rulesVersion: program.version,
    request: body,
    occurredAt,
    recordedAt: command.at,
    kept: outcome.kept,
    returns: [],
    source: loose?.source ?? command.source,
  }
  deciding.writes.transactions.push({ command, memberId: member.memberId, stored })
  const transactions = new Map(deciding.state.transactions).set(transactionId, stored)
  deciding.state.transactions = transactions
  climbFrom(deciding, occurredAt)
  tellOfTiers(deciding)
  settleAfter(deciding)

  const change = tierChange(deciding, tiersBefore)
  const reply: EarnReply = {
    transactionId: showId('transaction', transactionId),
    memberId: showId('member', member.memberId),
    awards: outcome.awards,
    balances: balancesOf(deciding),
    tier: tierShown(deciding),
    ...(change && { tierChange: change }),
  }
  announce(deciding, 'transaction.earned', {
    transactionId: reply.transactionId,
    awards: brief(outcome.awards),
  })
  return reply
}

export function decideReturn(deciding: Deciding, transactionId: string, body: ReturnBody): ReturnReply {
  const { command, rules, nextId } = deciding
  const { member, transactions, book } = deciding.state
  mustBeActive(member)
  const stored = transactions.get(transactionId)
  invariant(stored, 'the transaction that a return names was loaded')
  const occurredAt = readInstant(body.occurredAt, command.at, '/occurredAt')
  const program = rules.version(command.program, stored.rulesVersion)
  const facts = readTransaction(program, stored.request, stored.recordedAt)
  if (occurredAt < facts.occurredAt) {
    throw new DomainError('date_out_of_range', {
      path: '/occurredAt',
      earliest: facts.occurredAt.toISOString(),
    })
  }

  const tiersBefore = standingsOf(deciding)
  const returnId = nextId()
  const { kept, returns: before } = stored
  const outcome = takeBack({
    program,
    facts,
    kept,
    before,
    counters: deciding.state.counters,
    body,
    occurredAt,
    book,
    putBackLapsed: (lotId, points) =>
      putBackLapsed(deciding, { lotId, points, earnedAt: facts.occurredAt, at: occurredAt }),
    confirmation: stored.confirmation ?? null,
    transactionId,
    returnId,
    nextId,
  })
  record(deciding, outcome.entry)
  count(deciding, outcome.counted, stored.memberId)
  deciding.writes.budgets.push(...outcome.budgeted)
  deciding.writes.returns.push({
    command,
    memberId: stored.memberId,
    transactionId,
    occurredAt,
    ...outcome.record,
  })
  const returned = { ...stored, returns: [...before, outcome.record] }
  deciding.state.transactions = new Map(transactions).set(transactionId, returned)
  climbBack(deciding, facts.occurredAt)
  tellOfTiers(deciding)
  settleAfter(deciding)

  const change = tierChange(deciding, tiersBefore)
  const reply: ReturnReply = {
    returnId: showId('return', returnId),
    transactionId: showId('transaction', transactionId),
    memberId: showId('member', member.memberId),
    ...outcome.reply,
    balances: balancesOf(deciding),
    tier: tierShown(deciding),
    ...(change && { tierChange: change }),
  }
  announce(deciding, 'transaction.returned', {
    returnId: reply.returnId,
    transactionId: reply.transactionId,
    reversed: reply.reversed,
  })
  return reply
}

/** What can be credited once only is marked as credited. */
function claim(
  deciding: Deciding,
  program: Program,
  { body, transactionId }: { body: TransactionBody; transactionId: string },
): void {
  const key = claimOf(program, body)
  if (key === null) return
  const { group, state, writes } = deciding
  const { memberId } = state.member
  if (group.claims.has(claimKey(program.id, body.type, key))) {
    throw new DomainError('already_claimed', {
      type: body.type,
      unique: program.transactionTypes.get(body.type)?.unique,
    })
  }
  writes.claims.push({ program: program.id, type: body.type, claim: key, memberId, transactionId })
}

/** In which currencies a sale gave points, and how many came into which lots, after any debt was paid off. */
function cameIn({ entry, awards }: Earned): Pick<Fact, 'of' | 'given'> {
  return { of: new Set(awards.map(({ currency }) => currency)), given: givenBy(entry.postings) }
}

function notToBePosted(type: string): DomainError {
  const problem = 'the service tells of this itself; it cannot be posted'
  return new DomainError('unknown_transaction_type', { path: '/type', type, problem })
}

function brief(awards: EarnReply['awards']): object[] {
  return awards.map(({ rule, currency, points, lineId }) => ({
    rule,
    currency,
    points,
    ...(lineId && { lineId }),
  }))
}
