/** `milepost members show`: one member as the books stand, for somebody at a terminal. */
import { DomainError } from '../base/errors.ts'
import { readId, showId } from '../base/ids.ts'
import { wirePoints } from '../base/points.ts'
import type { Sql } from '../db/connection.ts'
import { wholeMember } from '../engine/queries-kin.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { openMigrated } from './installation.ts'
import {
  accountsOf,
  findMember,
  identifiersOf,
  latestEntriesOf,
  type MemberRow,
  membersByIdentifier,
  openLotsOf,
  standingsOf,
} from './queries.ts'
import { table } from './terminal.ts'

const ENTRIES = 10

export const membersShow: CliCommand = {
  operands: ['mem_…|kind:value'],
  about: [
    'The figures are those of the books. What has fallen due since the last write (points that lapsed, a hold ' +
      'that ran out) is booked by the jobs or with the next write; dueAt says since when something is waiting.',
  ],
  options: {
    program: { about: 'where the identifier is of several programs', value: 'PROGRAM' },
    json: { about: 'the member as JSON' },
  },
  examples: [
    'milepost members show mem_0198c0ffee0070008000000000000001',
    'milepost members show card:4711 --program corner-coffee --json',
  ],
  async run(call) {
    const { sql } = await openMigrated(call)
    const shown = await pictureOf(sql, await memberOf(sql, call))
    if (call.words.flag('json')) call.terminal.json(shown)
    else call.terminal.print(inWords(shown, call.now()))
    return 0
  },
}

/** The member that an operand names: `mem_…` or `card:4711`. */
export async function memberOf(sql: Sql, { words }: Call, place = 0): Promise<MemberRow> {
  const wanted = words.operands[place]!
  const memberId = wanted.startsWith('mem_')
    ? readId('member', wanted, 'member_not_found')
    : await byIdentifier(sql, wanted, words.text('program'))
  const member = await findMember(sql, memberId)
  if (member === null) throw new DomainError('member_not_found', { member: wanted })
  return member
}

async function byIdentifier(sql: Sql, wanted: string, program: string | undefined): Promise<string> {
  const colon = wanted.indexOf(':')
  if (colon < 1)
    throw new UsageError(`a member is named by mem_… or by kind:value such as card:4711, not "${wanted}"`)
  const identifier = { kind: wanted.slice(0, colon), value: wanted.slice(colon + 1), program }
  const found = await membersByIdentifier(sql, identifier)
  const [first] = found
  if (first === undefined) throw new DomainError('identifier_not_found', { identifier: wanted })
  if (found.length > 1) {
    throw new UsageError(
      `${wanted} is in ${found.map((each) => each.program).join(' and ')}: choose with --program`,
    )
  }
  return first.memberId
}

async function pictureOf(sql: Sql, named: MemberRow) {
  const whole = await wholeMember(sql, named)
  const member = (await findMember(sql, whole.memberId)) ?? named
  const { memberId, program, externalRef, status, profile, attributes, enrolledAt, dueAt } = member
  const balances = (await accountsOf(sql, memberId)).map(({ currency, ...points }) => ({
    currency,
    available: wirePoints(points.available),
    pending: wirePoints(points.pending),
    held: wirePoints(points.held),
    negative: wirePoints(points.negative),
    lifetime: wirePoints(points.lifetime),
  }))
  const lots = (await openLotsOf(sql, memberId)).map(({ available, pending, held, ...lot }) => ({
    ...lot,
    available: wirePoints(available),
    pending: wirePoints(pending),
    held: wirePoints(held),
  }))
  const entries = (await latestEntriesOf(sql, memberId, ENTRIES)).map((entry) => ({
    ...entry,
    entryId: showId('entry', entry.entryId),
  }))
  return {
    memberId: showId('member', memberId),
    ...{ program, externalRef, status, profile, attributes, enrolledAt, dueAt },
    identifiers: await identifiersOf(sql, [memberId, ...whole.duplicates]),
    duplicates: whole.duplicates.map((id) => showId('member', id)),
    balances,
    lots,
    tiers: await standingsOf(sql, memberId),
    entries,
  }
}

function waiting(lot: { pending: number; usableFrom: Date | null; confirmBy: Date | null }): string {
  if (lot.pending === 0) return ''
  if (lot.confirmBy) return `, to be confirmed by ${lot.confirmBy.toISOString()}`
  return `, usable from ${lot.usableFrom?.toISOString()}`
}

type Picture = Awaited<ReturnType<typeof pictureOf>>

function inWords(member: Picture, now: Date): string {
  const day = (at: Date | null) => at?.toISOString().slice(0, 10) ?? 'never'
  const identifiers = member.identifiers.map(
    ({ kind, value, status }) => `${kind}:${value}${status === 'active' ? '' : ` (${status})`}`,
  )
  const head = [
    ['member', member.memberId],
    ['program', `${member.program}, externalRef ${member.externalRef}, ${member.status}`],
    ['enrolled', day(member.enrolledAt)],
    ['identifiers', identifiers.join(' ') || 'none'],
    ...member.duplicates.map((id) => ['answers for', id]),
    ...member.tiers.map(({ ladder, tier, since, until }) => [
      `tier (${ladder})`,
      `${tier} since ${day(since)}${until === null ? '' : `, until ${until.toISOString()}`}`,
    ]),
  ]
  const balances = member.balances.map((of) => [
    ...[of.currency, String(of.available), String(of.pending), String(of.held)],
    ...[String(of.negative), String(of.lifetime)],
  ])
  const lots = member.lots.map((lot) => [
    ...['', lot.currency, String(lot.available + lot.pending + lot.held)],
    `lapse ${lot.expiresAt?.toISOString() ?? 'never'}${waiting(lot)}`,
  ])
  const entries = member.entries.map(({ entryId, kind, occurredAt, source }) => [
    ...['', occurredAt.toISOString(), kind, entryId],
    source,
  ])
  const parts = [table(head)]
  if (balances.length > 0) {
    parts.push(table([['currency', 'available', 'pending', 'held', 'negative', 'lifetime'], ...balances]))
  }
  if (lots.length > 0) parts.push(`lots\n${table(lots)}`)
  if (entries.length > 0) parts.push(`latest entries\n${table(entries)}`)
  if (member.dueAt !== null && member.dueAt <= now) {
    parts.push(
      `something is due since ${member.dueAt.toISOString()}: the service's jobs book it, or milepost jobs run`,
    )
  }
  return parts.join('\n\n')
}
