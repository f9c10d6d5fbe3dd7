/** What a group of commands has to read: which members, what of each, and how far back. */
import { DomainError } from '../base/errors.ts'
import { addMonths, type Day, dayOf, startOf } from '../base/time.ts'
import type { IdentifierBody } from '../members/member.ts'
import { historyMonths, type Program } from '../program/program.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'

export interface Needs {
  /** named by id */
  readonly memberIds: Set<string>
  readonly identifiers: { program: string; kind: string; value: string }[]
  readonly transactionIds: Set<string>
  readonly redemptionIds: Set<string>
  /** commands whose member's open lots and holds are needed, not only its balances */
  readonly spending: Command[]
  /** commands that show or change the member's identifiers */
  readonly describing: Command[]
  /** members' counters are read from this business day on; null: no command looks at any */
  countersFrom: Day | null
  /** months of counters before an end that is overdue: the longest period that it may be judged by */
  overdueMonths: number
}

export function needsOf(commands: readonly Command[], rules: RulesInForce): Needs {
  const needs: Needs = {
    memberIds: new Set(),
    identifiers: [],
    transactionIds: new Set(),
    redemptionIds: new Set(),
    spending: [],
    describing: [],
    countersFrom: null,
    overdueMonths: 0,
  }
  for (const command of commands) gather(needs, command, rules)
  return needs
}

function gather(needs: Needs, command: Command, rules: RulesInForce): void {
  const { request } = command
  switch (request.kind) {
    case 'enrol':
      for (const { kind, value } of request.body.identifiers) wantIdentifier(needs, command, { kind, value })
      return
    case 'earn':
      wantReference(needs, command, request.body)
      wantCounters(needs, command, { rules, occurredAt: new Date(request.body.occurredAt) })
      return
    case 'attach':
      wantReference(needs, command, request.body)
      // Its own day is not known yet: as far back as the sale may be is read.
      wantCounters(needs, command, { rules, occurredAt: command.at })
      return
    case 'redeem':
    case 'adjust':
      wantReference(needs, command, request.body)
      needs.spending.push(command)
      break
    case 'return':
      needs.transactionIds.add(request.transactionId)
      needs.spending.push(command)
      break
    case 'capture':
    case 'release':
    case 'reverse':
      needs.redemptionIds.add(request.redemptionId)
      needs.spending.push(command)
      break
    case 'settle':
      needs.memberIds.add(request.memberId)
      needs.spending.push(command)
      break
    default:
      needs.memberIds.add(request.memberId)
      needs.describing.push(command)
      if (request.kind === 'add_identifier') wantIdentifier(needs, command, request.body)
  }
  wantCounters(needs, command, { rules, occurredAt: command.at })
}

function wantReference(
  needs: Needs,
  command: Command,
  { memberId, identifier }: { memberId?: string | undefined; identifier?: IdentifierBody | undefined },
): void {
  if (memberId !== undefined) needs.memberIds.add(memberId)
  else if (identifier) wantIdentifier(needs, command, identifier)
}

function wantIdentifier(needs: Needs, command: Command, { kind, value }: IdentifierBody): void {
  needs.identifiers.push({ program: command.program, kind, value })
}

// Far enough back for the longest period of a ladder and for a limit per year. A date that cannot have
// been is refused when the command is decided; nothing needs to be read for it.
function wantCounters(needs: Needs, command: Command, what: { rules: RulesInForce; occurredAt: Date }): void {
  wantCountersFrom(needs, { ...what, program: command.program, at: command.at })
}

export function wantCountersFrom(
  needs: Needs,
  what: { rules: RulesInForce; program: string; occurredAt: Date; at: Date },
): void {
  const { rules, occurredAt, at } = what
  const earlier = occurredAt < at ? occurredAt : at
  if (Number.isNaN(earlier.getTime()) || earlier.getTime() < 0) return
  const program = inForce(rules, what)
  if (program === null) return
  needs.overdueMonths = Math.max(needs.overdueMonths, historyMonths(program))
  const day = dayOf(program.timeZone, earlier)
  const [year, history] = [startOf('year', day), addMonths(day, -historyMonths(program))]
  const from = year < history ? year : history
  if (needs.countersFrom === null || from < needs.countersFrom) needs.countersFrom = from
}

// No rules in force is the command's own refusal when it is decided; here it must not fail the group.
function inForce(rules: RulesInForce, { program, at }: { program: string; at: Date }): Program | null {
  try {
    return rules.at(program, at)
  } catch (error) {
    if (error instanceof DomainError) return null
    throw error
  }
}
