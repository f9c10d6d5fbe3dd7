/**
 * The pack of a stretch of members, brought up to date: as it was kept where that still holds, with whoever was
 * written to since read anew. A simulation and the job that goes before it pack by this alone.
 */
import type { Executor } from '../db/connection.ts'
import type { Told } from './chunk.ts'
import { EMPTY, type Pack, type PackedMember } from './pack.ts'
import { Packer } from './packer.ts'
import { packMembers } from './packing.ts'
import { type Packs, readPack, writePack } from './packs.ts'
import { type Population, readTokens, type Stretch, tokensIn } from './queries.ts'

export interface Where {
  readonly population: Population
  readonly stretch: Stretch
  /** null: nothing is kept for the next time */
  readonly packs: Packs | null
  /** what `lookUp` finds there, where it was asked for ahead */
  readonly found?: Promise<Found>
}

/** Who is in a stretch now, as `readTokens` tells, and what is kept of it. */
export interface Found {
  readonly tokens: string
  readonly kept: Pack | null
}

export interface Kept {
  readonly pack: Pack
  /** by how many bytes more is kept now; null: it was to be written, and there was nowhere to */
  readonly bytes: number | null
  /** read anew */
  readonly fresh: readonly PackedMember[]
}

/** What the pack of a stretch is called. */
export function packName({ population, stretch }: Pick<Where, 'population' | 'stretch'>): string {
  return `${population.share}-${stretch.from}`
}

/** All that is read of a stretch where what is kept still holds: may be had while another one is in hand. */
export async function lookUp(sql: Executor, where: Omit<Where, 'found'>): Promise<Found> {
  const { population, stretch, packs } = where
  const [tokens, kept] = await Promise.all([
    readTokens(sql, population, stretch),
    packs && readPack(packs, packName(where)),
  ])
  return { tokens, kept }
}

export async function keptPack(sql: Executor, where: Where, what: Told): Promise<Kept> {
  const { packs, found = lookUp(sql, where) } = where
  const { tokens: text, kept } = await found
  if (
    kept !== null &&
    text === textOf(kept.members) &&
    kept.members.every((one) => isSettled(one, what.asOf))
  )
    return { pack: kept, bytes: 0, fresh: [] }
  const tokens = tokensIn(text)
  const known = new Map(kept?.members.map((member) => [member.id, member]))
  const holds = ({ id, token }: { id: string; token: string }) => {
    const member = known.get(id)
    return member !== undefined && member.token === token && isSettled(member, what.asOf)
  }
  const stale = tokens.filter((one) => !holds(one))

  // What is shared by those who are no longer there is kept on, as long as most of them are.
  const isMostlyGood = kept !== null && stale.length * 2 < tokens.length
  const packer = new Packer(isMostlyGood ? kept : EMPTY)
  const fresh = await packMembers(sql, isMostlyGood ? stale : tokens, { what, packer })
  const read = new Map(fresh.map((one) => [one.id, one]))
  const pack = packer.pack(tokens.map(({ id }) => read.get(id) ?? packer.keep(kept!, known.get(id)!)))
  return { pack, bytes: packs ? await writePack(packs, packName(where), pack) : 0, fresh }
}

function textOf(members: readonly PackedMember[]): string {
  let text = ''
  for (const { id, token } of members) text += text === '' ? `${id} ${token}` : `,${id} ${token}`
  return text
}

/** Stands at `asOf` as it stood when it was packed. */
function isSettled({ settledAt, dueAt }: PackedMember, asOf: Date): boolean {
  const time = asOf.getTime()
  return settledAt <= time && (dueAt === null || dueAt > time)
}
