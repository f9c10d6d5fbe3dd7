/**
 * Simulates a stretch of members: the short way from what is packed of them, whoever it does not suit the long
 * way from the database. Both count the same into one tally.
 */
import type { Executor } from '../db/connection.ts'
import type { TierChange } from '../tiers/standing.ts'
import { PastBudgets } from './budgets.ts'
import { simulateMembers } from './chunk.ts'
import { Conclusion, type Stand } from './conclude.ts'
import type { Simulated } from './member-run.ts'
import { type Pack, type PackedChange, type PackedMember, Packer } from './pack.ts'
import { packMembers } from './packing.ts'
import { type Packs, readPack, writePack } from './packs.ts'
import { plainProgram } from './plain.ts'
import { type Population, readMemberIds, readTokens, type Stretch } from './queries.ts'
import { Spent } from './score.ts'
import { ShortRun } from './short-run.ts'
import { Stretched } from './stretched.ts'
import { addTally, type Tally } from './tally.ts'

export interface Where {
  readonly population: Population
  readonly stretch: Stretch
  /** null: nothing is kept for the next time */
  readonly packs: Packs | null
}

/** The tally, how many bytes were added to what is kept, and how many members went the long way. */
export async function simulateStretch(
  sql: Executor,
  where: Where,
  what: Simulated,
): Promise<{ tally: Tally; bytes: number; long: number }> {
  const program = plainProgram(what)
  if (program === null) {
    const ids = await readMemberIds(sql, where.population, where.stretch)
    return { tally: await simulateMembers(sql, ids, what), bytes: 0, long: ids.length }
  }
  const { pack, bytes } = await packOf(sql, where, what)
  const conclusion = new Conclusion(what)
  const { takes } = conclusion.tally
  const of = new Stretched(pack, { what, program, budgets: new PastBudgets(what.course, takes) })
  const spent = new Spent()
  const long: string[] = []
  for (const member of pack.members) {
    if (member.kind === 'out') continue
    const taken = takes.length
    if (member.kind === 'packed' && runShort(member, of, { conclusion, spent })) continue
    takes.length = taken
    long.push(member.id)
  }
  const tally = conclusion.end()
  tally.spend = spent.sum.toFixed()
  if (long.length > 0) addTally(tally, await simulateMembers(sql, long, what))
  return { tally, bytes, long: long.length }
}

/** False: nothing is counted of the member yet. */
function runShort(
  member: PackedMember,
  of: Stretched,
  { conclusion, spent }: { conclusion: Conclusion; spent: Spent },
): boolean {
  of.turnTo(member)
  const run = new ShortRun(member, of)
  if (!run.run()) return false
  of.score.addTo(conclusion.tally, spent)
  const enrolledAt = new Date(member.enrolledAt)
  conclusion.take({
    memberId: member.id,
    points: of.score.points,
    stands: {
      before: recordedStand(member, enrolledAt),
      after: { accounts: run.book.accounts.values(), changes: run.changes, enrolledAt },
    },
    attributes: member.attributes,
    marks: of.marks,
  })
  return true
}

function recordedStand({ accounts, changes }: PackedMember, enrolledAt: Date): Stand {
  return {
    enrolledAt,
    changes: changes.map(changeOf),
    accounts: accounts.map(([currency, available, pending, held, negative]) => ({
      ...{ currency, available: BigInt(available), pending: BigInt(pending) },
      ...{ held: BigInt(held), negative: BigInt(negative) },
    })),
  }
}

function changeOf([ladder, from, to, direction, effectiveAt, until]: PackedChange): TierChange {
  const ends = until === null ? null : new Date(until)
  return { ladder, from, to, direction, effectiveAt: new Date(effectiveAt), until: ends, reason: '' }
}

/** As it was kept where that still holds; whoever was written to since is packed anew. */
async function packOf(
  sql: Executor,
  { population, stretch, packs }: Where,
  what: Simulated,
): Promise<{ pack: Pack; bytes: number }> {
  const name = `${population.share}-${stretch.from}`
  const [tokens, kept] = await Promise.all([
    readTokens(sql, population, stretch),
    packs && readPack(packs, name),
  ])
  const known = new Map(kept?.members.map((member) => [member.id, member]))
  const holds = ({ id, token }: { id: string; token: string }) => {
    const member = known.get(id)
    return member !== undefined && member.token === token && isSettled(member, what.asOf)
  }
  const stale = tokens.filter((one) => !holds(one))
  if (kept && stale.length === 0 && tokens.length === kept.members.length) return { pack: kept, bytes: 0 }

  // What is shared by those who are no longer there is kept on, as long as most of them are.
  const isMostlyGood = kept !== null && stale.length * 2 < tokens.length
  const packer = new Packer(isMostlyGood ? kept : { lines: [], heads: [], given: [] })
  const anew = isMostlyGood ? stale : tokens
  const fresh = new Map((await packMembers(sql, anew, { what, packer })).map((one) => [one.id, one]))
  const pack = packer.pack(tokens.map(({ id }) => fresh.get(id) ?? known.get(id)!))
  return { pack, bytes: packs ? await writePack(packs, name, pack) : 0 }
}

/** Stands at `asOf` as it stood when it was packed. */
function isSettled({ settledAt, dueAt }: PackedMember, asOf: Date): boolean {
  const time = asOf.getTime()
  return settledAt <= time && (dueAt === null || dueAt > time)
}
