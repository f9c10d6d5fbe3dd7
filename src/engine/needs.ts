/** What a group of commands has to read: which members, what of each, and how far back. */
import { addMonths, type Day, dayOf, startOf } from '../base/time.ts'
import type { IdentifierBody, MemberReference } from '../members/member.ts'
import { awaitingMonths, historyMonths, idleMonths } from '../program/program.ts'
import { EVER } from '../rules/limit.ts'
import type { Command } from './command.ts'
import type { RulesInForce } from './deciding.ts'
import { identifierKey } from './state.ts'

export interface Needs {
  /** named by id */
  readonly memberIds: Set<string>
  readonly identifiers: { program: string; kind: string; value: string }[]
  readonly transactionIds: Set<string>
  readonly redemptionIds: Set<string>
  /** commands whose member's open lots and holds are needed, not only its balances */
  readonly spending: Command[]
  /** what of pools and merged members the commands need */
  readonly household: HouseholdNeeds
  /** commands that show or change the member's identifiers */
  readonly describing: Command[]
  /** members' counters are read from this business day on; null: no command looks at any */
  countersFrom: Day | null
  /** months of counters before an end that is overdue: the longest period that it may be judged by */
  overdueMonths: number
  /** a fact of an earlier day may show that points have not lapsed: what lapsed is needed too */
  late: boolean
}

export interface HouseholdNeeds {
  readonly poolIds: Set<string>
  /** members, by id or by identifierKey, whose pool is needed, with everybody in it */
  readonly pooling: Set<string>
  /** members whose duplicates are needed */
  readonly families: Set<string>
  /** duplicates that may be un-merged */
  readonly unmerging: Set<string>
}

export function needsOf(commands: readonly Command[], rules: RulesInForce): Needs {
  const needs: Needs = {
    memberIds: new Set(),
    identifiers: [],
    transactionIds: new Set(),
    redemptionIds: new Set(),
    spending: [],
    household: { poolIds: new Set(), pooling: new Set(), families: new Set(), unmerging: new Set() },
    describing: [],
    countersFrom: null,
    overdueMonths: 0,
    late: false,
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
      if (mayExtend(command, rules, new Date(request.body.occurredAt))) needs.spending.push(command)
      wantCounters(needs, command, { rules, occurredAt: new Date(request.body.occurredAt) })
      return
    case 'attach':
      wantReference(needs, command, request.body)
      if (mayExtend(command, rules, command.at)) needs.spending.push(command)
      // Its own day is not known yet: as far back as the sale may be is read.
      wantCounters(needs, command, { rules, occurredAt: command.at })
      return
    case 'extend':
      wantReference(needs, command, request.body)
      needs.spending.push(command)
      break
    case 'redeem':
      wantReference(needs, command, request.body)
      if (request.body.usePool) wantPoolOf(needs, command, request.body)
      needs.spending.push(command)
      break
    case 'adjust': {
      wantReference(needs, command, request.body)
      needs.spending.push(command)
      const { occurredAt } = request.body
      wantCounters(needs, command, { rules, occurredAt: occurredAt ? new Date(occurredAt) : command.at })
      return
    }
    case 'return':
    case 'confirm':
    case 'cancel':
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
    case 'transfer':
      for (const reference of [request.body.from, request.body.to]) {
        wantReference(needs, command, reference)
        if (isWithinPool(command, rules)) wantPoolOf(needs, command, reference)
      }
      needs.spending.push(command)
      break
    case 'create_pool':
      for (const memberId of request.body.members) {
        needs.memberIds.add(memberId)
        needs.household.pooling.add(memberId)
      }
      break
    case 'join_pool':
      wantReference(needs, command, request.body)
      wantPoolOf(needs, command, request.body)
      needs.household.poolIds.add(request.poolId)
      break
    case 'leave_pool':
      needs.memberIds.add(request.memberId)
      needs.household.poolIds.add(request.poolId)
      break
    case 'merge':
    case 'unmerge':
      wantMerging(needs, command, request)
      return
    case 'close':
    case 'reopen':
    case 'erase':
      needs.memberIds.add(request.memberId)
      needs.household.families.add(request.memberId)
      needs.household.pooling.add(request.memberId)
      needs.spending.push(command)
      needs.describing.push(command)
      break
    case 'rebuild':
      needs.memberIds.add(request.memberId)
      return
    case 'feedback':
    case 'resolve_complaint':
      needs.memberIds.add(request.memberId)
      if (request.body.transactionId !== undefined) needs.transactionIds.add(request.body.transactionId)
      if (request.kind === 'resolve_complaint') needs.household.families.add(request.memberId)
      break
    case 'register':
    case 'raise_flag':
    case 'clear_flag':
    case 'change_segment':
    case 'assign_segments':
    case 'treat':
    case 'decide_tier':
      needs.memberIds.add(request.memberId)
      break
    default:
      needs.memberIds.add(request.memberId)
      needs.household.families.add(request.memberId)
      needs.describing.push(command)
      if (request.kind === 'add_identifier') wantIdentifier(needs, command, request.body)
  }
  wantCounters(needs, command, { rules, occurredAt: command.at })
}

// Putting off a lapse changes points that the member has, so they have to be known.
function mayExtend({ program, at }: Command, rules: RulesInForce, occurredAt: Date): boolean {
  const earlier = occurredAt < at ? occurredAt : at
  return !Number.isNaN(earlier.getTime()) && (rules.find(program, earlier)?.rules.extends ?? false)
}

function wantReference(
  needs: Needs,
  command: Command,
  { memberId, identifier }: { memberId?: string | undefined; identifier?: IdentifierBody | undefined },
): void {
  if (memberId !== undefined) needs.memberIds.add(memberId)
  else if (identifier) wantIdentifier(needs, command, identifier)
}

function wantPoolOf(needs: Needs, { program }: Command, { memberId, identifier }: MemberReference): void {
  if (memberId !== undefined) needs.household.pooling.add(memberId)
  else if (identifier) needs.household.pooling.add(identifierKey(program, identifier.kind, identifier.value))
}

// Which terms hold is decided later; here it is enough that pools may matter.
function isWithinPool(command: Command, rules: RulesInForce): boolean {
  const program = rules.find(command.program, command.at)
  return program !== null && [...program.transfers.values()].some(({ withinPool }) => withinPool)
}

/** All counters of both members: whoever answers for both is judged by both. */
function wantMerging(
  needs: Needs,
  command: Command,
  request: Extract<Command['request'], { kind: 'merge' | 'unmerge' }>,
): void {
  const { duplicate } = request.body
  for (const memberId of [request.memberId, duplicate]) {
    needs.memberIds.add(memberId)
    needs.household.families.add(memberId)
  }
  needs.household.pooling.add(duplicate)
  needs.household.unmerging.add(duplicate)
  needs.spending.push(command)
  needs.describing.push(command)
  needs.countersFrom = EVER
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
  const program = rules.find(what.program, at)
  if (program === null) return
  const day = dayOf(program.timeZone, earlier)
  const late = day < dayOf(program.timeZone, at) ? idleMonths(program) : 0
  if (late > 0) needs.late = true
  const months = historyMonths(program)
  // Points that are cancelled by themselves count no longer from the day of their sale on.
  needs.overdueMonths = Math.max(needs.overdueMonths, months + awaitingMonths(program))
  // A week's limit stands under its Monday, which may lie in the year before.
  const [year, history] = [startOf('week', startOf('year', day)), addMonths(day, -Math.max(months, late))]
  const from = year < history ? year : history
  if (needs.countersFrom === null || from < needs.countersFrom) needs.countersFrom = from
}
