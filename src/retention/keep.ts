/**
 * Keeps each member's row in step with the facts: from the rows as they were read and what a group of commands
 * writes follow the rows as they shall stand. Programs without a retention section are never looked at.
 */
import { dayNumberOf } from '../base/time.ts'
import type { RulesInForce } from '../engine/deciding.ts'
import { standIn } from '../engine/kin.ts'
import type { ProjectedGroup, Projection } from '../engine/projection.ts'
import type { GroupProjection, GroupState, Writes } from '../engine/state.ts'
import type { Program } from '../program/program.ts'
import { basisOf, deedOf } from './deed.ts'
import { changed, type Kept, newKept, type PointsChange, pointsOf, redeemableOf, withPoints } from './kept.ts'
import { readKept, rebuilt, removeKept, writeKept } from './queries-kept.ts'

export const keepStates: Projection = {
  open({ sql, commands, rules }: ProjectedGroup): GroupProjection | null {
    const programs = programsOf(commands, rules)
    if (programs.size === 0) return null
    const rows = new Map<string, Kept>()
    const anew = new Set<string>()
    const wanted = new Set(
      commands.flatMap(({ request }) => (request.kind === 'rebuild' ? [request.memberId] : [])),
    )
    return {
      async read(memberIds) {
        const again = memberIds.filter((id) => wanted.has(id))
        const [kept, made] = await Promise.all([
          readKept(sql, memberIds),
          again.length > 0 ? rebuilt(sql, again, programs) : [],
        ])
        for (const row of [...kept, ...made]) rows.set(row.memberId, row)
        for (const { memberId } of made) anew.add(memberId)
      },
      persist(group, writes) {
        const { stand, gone } = follow({ rows, anew, group, writes, programs })
        return [
          ...writeKept(
            sql,
            stand.filter(({ memberId }) => !anew.has(memberId)),
            { anew: false },
          ),
          ...writeKept(
            sql,
            stand.filter(({ memberId }) => anew.has(memberId)),
            { anew: true },
          ),
          ...removeKept(sql, gone),
        ]
      },
    }
  },
}

export type Programs = ReadonlyMap<string, Program>

function programsOf(commands: ProjectedGroup['commands'], rules: RulesInForce): Map<string, Program> {
  const programs = new Map<string, Program>()
  for (const { program: id, at } of commands) {
    if (programs.has(id)) continue
    const program = rules.find(id, at)
    if (program?.retention) programs.set(id, program)
  }
  return programs
}

interface Following {
  readonly rows: ReadonlyMap<string, Kept>
  /** members whose row was made anew before this group's facts */
  readonly anew: ReadonlySet<string>
  readonly group: GroupState
  readonly writes: Writes
  readonly programs: Programs
}

/** Pure: the rows to write, and members who have none any more. */
function follow(given: Following): { stand: Kept[]; gone: string[] } {
  const { group, writes, programs } = given
  const desk = new Desk(given)
  for (const { memberId, program } of writes.enrolled)
    if (programs.has(program)) desk.put(newKept(memberId, program))
  for (const memberId of given.anew) desk.change(memberId, (kept) => kept)
  followTransactions(desk, given)
  followPoints(desk, given)
  for (const { merge } of [...writes.merges, ...writes.unmerges]) {
    for (const memberId of [merge.memberId, merge.duplicateId])
      desk.change(memberId, (kept) => ({ ...kept, rebuild: true }))
  }
  // A reopened member's row was removed, so it is marked; the others have none.
  for (const { memberId } of writes.statuses) desk.change(memberId, (kept) => kept)
  const ids = new Set([...desk.touched, ...writes.statuses.map(({ memberId }) => memberId)])
  for (const { memberIds } of writes.erased) for (const memberId of memberIds) ids.add(memberId)
  const isActive = (id: string) => group.members.get(id)?.member.status === 'active'
  return {
    // In the order of ids, in which the sweeps take their locks too.
    stand: [...desk.rows()]
      .filter(({ memberId }) => isActive(memberId))
      .sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
    gone: [...ids].filter((id) => !isActive(id)),
  }
}

/** The rows of a group while they change; whatever was never read and not enrolled just now has a past. */
class Desk {
  readonly touched = new Set<string>()
  readonly #given: Following
  readonly #rows = new Map<string, Kept>()

  constructor(given: Following) {
    this.#given = given
  }

  put(kept: Kept): void {
    this.#rows.set(kept.memberId, kept)
    this.touched.add(kept.memberId)
  }

  /** Of the member himself, or of whoever answers for him. */
  change(memberId: string, how: (kept: Kept, program: Program) => Kept): void {
    const { group, programs, rows } = this.#given
    const member = standIn(group.members, memberId)?.member
    const program = member && programs.get(member.program)
    if (!member || !program) return
    const known = this.#rows.get(member.memberId) ?? rows.get(member.memberId)
    const kept = known ?? { ...newKept(member.memberId, program.id), rebuild: true }
    this.put(how(kept, program))
  }

  rows(): Iterable<Kept> {
    return this.#rows.values()
  }
}

function followTransactions(desk: Desk, { group, writes }: Following): void {
  const fresh = new Set(writes.transactions.map(({ stored }) => stored.transactionId))
  const returned = new Set(writes.returns.map(({ returnId }) => returnId))
  const seen = new Set<string>()
  const owners = [
    ...writes.transactions.map(({ memberId, stored }) => ({ memberId, transactionId: stored.transactionId })),
    ...writes.returns,
  ]
  for (const { memberId, transactionId } of owners) {
    if (seen.has(transactionId)) continue
    seen.add(transactionId)
    const stored = standIn(group.members, memberId)?.transactions.get(transactionId)
    if (!stored) continue
    desk.change(memberId, (kept, program) => {
      const basis = basisOf(program)
      const told = { ...stored.request, occurredAt: stored.occurredAt }
      const deed = (returns: typeof stored.returns) =>
        deedOf(
          told,
          returns.map(({ lines }) => lines),
          basis,
        )
      const earlier = stored.returns.filter(({ returnId }) => !returned.has(returnId))
      return changed(kept, {
        before: fresh.has(transactionId) ? null : deed(earlier),
        after: deed(stored.returns),
      })
    })
  }
}

function followPoints(desk: Desk, { writes }: Following): void {
  for (const { memberId, entry } of writes.entries) {
    desk.change(memberId, (kept, program) => {
      const { earned, redeemed } = pointsOf(entry.postings, redeemableOf(program))
      if (earned === 0n && redeemed === 0n) return kept
      return withPoints(kept, { earned, redeemed, redeemedDays: [], undoneDays: [] })
    })
  }
  const last = new Map(writes.redemptions.map(({ redemption }) => [redemption.redemptionId, redemption]))
  for (const { memberId, status, occurredAt } of last.values()) {
    if (status !== 'captured' && status !== 'reversed') continue
    desk.change(memberId, (kept, { timeZone }) => {
      const days = [dayNumberOf(timeZone, occurredAt)]
      const none: PointsChange = { earned: 0n, redeemed: 0n, redeemedDays: [], undoneDays: [] }
      return withPoints(kept, { ...none, [status === 'captured' ? 'redeemedDays' : 'undoneDays']: days })
    })
  }
}
