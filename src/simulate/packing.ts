/**
 * Packs the history of members, read in order with one member in mind at a time. A history that the short way
 * of a simulation does not know how to tell is not packed, and its member is read anew each time.
 */
import { showInstant } from '../base/time.ts'
import type { Executor } from '../db/connection.ts'
import type { ReturnBody } from '../earning/transaction.ts'
import type { Request } from '../engine/command.ts'
import type { MemberState } from '../engine/state.ts'
import { type Told as Past, recordedState } from './chunk.ts'
import { commandOf } from './member-run.ts'
import type { PackedMember, PackedReturn } from './pack.ts'
import type { Packer } from './packer.ts'
import { type CommandRow, readAlone, readCommands, type SaleRow, streamSales } from './queries.ts'
import { replayed } from './replay.ts'
import { at } from './tally.ts'

/**
 * Lines and sales of one stretch, and of one member: of whoever has more, only one sale at a time is kept in mind.
 * So a pack has some tens of megabytes at most, mostly one.
 */
const MOST_IN_ALL = 2_000_000
const MOST_OF_ONE = 400_000

interface Packing {
  readonly what: Past
  readonly packer: Packer
}

export async function packMembers(
  sql: Executor,
  all: readonly { id: string; token: string }[],
  { what, packer }: Packing,
): Promise<PackedMember[]> {
  const ids = await readAlone(
    sql,
    all.map(({ id }) => id),
  )
  const [group, commands] = await Promise.all([
    recordedState(sql, ids, what),
    readCommands(sql, ids, replayed),
  ])
  const byMember = new Map<string, CommandRow[]>()
  for (const command of commands) at(byMember, command.memberId, () => []).push(command)
  const packed = new Map<string, Told>()
  const begin = (id: string) =>
    new History(byMember.get(id) ?? [], { packer, enrolledAt: group.members.get(id)!.member.enrolledAt })
  let [whose, history]: [string, History | null] = ['', null]
  for await (const sales of streamSales(sql, ids)) {
    for (const sale of sales) {
      if (history === null || sale.memberId !== whose) {
        if (history !== null) packed.set(whose, history.end())
        whose = sale.memberId
        history = begin(whose)
      }
      history.sale(sale)
    }
  }
  if (history !== null) packed.set(whose, history.end())
  return all.map(({ id, token }): PackedMember => {
    const as = { id, token, settledAt: what.asOf.getTime() }
    const state = group.members.get(id)
    if (!state) return { ...NOBODY, ...as, kind: 'out' }
    const told = packed.has(id) ? packed.get(id) : begin(id).end()
    return { ...packedState(state), ...as, kind: told ? 'packed' : 'apart', ...(told ?? NO_SALES) }
  })
}

const NO_SALES = { from: 0, to: 0 }
const NOBODY = { dueAt: null, enrolledAt: 0, accounts: [], ...NO_SALES }

type OfState = 'dueAt' | 'enrolledAt' | 'attributes' | 'marks' | 'accounts' | 'changes'

/** What there is none of is left out. */
function packedState({ member, dueAt, marks = [], book, history }: MemberState): Pick<PackedMember, OfState> {
  const { attributes } = member
  const packedMarks = marks.map(({ kind, name, since, until }) => {
    return [kind, name, since.getTime(), until?.getTime() ?? null] as const
  })
  const changes = history.map(({ ladder, to, effectiveAt }) => [ladder, to, effectiveAt.getTime()] as const)
  return {
    dueAt: dueAt?.getTime() ?? null,
    enrolledAt: member.enrolledAt.getTime(),
    accounts: [...book.accounts.values()].map(({ currency, available, pending, held, negative }) => [
      currency,
      ...([Number(available), Number(pending), Number(held), Number(negative)] as const),
    ]),
    ...(Object.keys(attributes).length > 0 && { attributes }),
    ...(packedMarks.length > 0 && { marks: packedMarks }),
    ...(changes.length > 0 && { changes }),
  }
}

/** Of a member, what comes of the history; null: it cannot be told the short way. */
type Told = Pick<PackedMember, 'from' | 'to' | 'returns' | 'lineIds'> | null

/** One member's sales and returns, as far as they can be packed. */
class History {
  readonly #packer: Packer
  readonly #enrolledAt: string
  readonly #from: number
  readonly #firstLine: number
  readonly #returns: readonly Returned[]
  readonly #returned: ReadonlySet<string>
  readonly #packed: PackedReturn[] = []
  readonly #lineIds: Record<number, readonly string[]> = {}
  /** by id: which of the sales it is */
  readonly #sales = new Map<string, number>()
  #next = 0
  #latest = Number.NEGATIVE_INFINITY
  #saysMarks: boolean | null = null
  #isPlain: boolean

  constructor(commands: readonly CommandRow[], { packer, enrolledAt }: { packer: Packer; enrolledAt: Date }) {
    this.#packer = packer
    this.#enrolledAt = showInstant(enrolledAt)
    this.#from = packer.sales
    this.#firstLine = packer.lines
    const returns = commands.flatMap((row) => returnedBy(row) ?? [])
    this.#isPlain = returns.length === commands.length
    this.#returns = returns
    this.#returned = new Set(returns.map(({ transactionId }) => transactionId))
  }

  sale(row: SaleRow): void {
    if (!this.#isPlain) return
    const id = commandOf(row.transactionId)
    this.#catchUp(id)
    const [occurred, recorded] = [row.occurredAt.getTime(), row.recordedAt.getTime()]
    const { segments, promotions } = row.valuation.member
    const saysMarks = segments !== undefined || promotions !== undefined
    const isInOrder = occurred >= this.#latest && occurred <= recorded
    const isAlike = this.#saysMarks === null || this.#saysMarks === saysMarks
    const facts = { id, at: occurred, recorded, ...row, gave: row.valuation.awards }
    this.#isPlain &&=
      isInOrder &&
      isAlike &&
      row.revalued === null &&
      this.#hasRoom(1 + row.request.lines.length) &&
      this.#packer.sale({ ...facts, enrolledAt: this.#enrolledAt })
    if (!this.#isPlain) return
    this.#latest = occurred
    this.#saysMarks = saysMarks
    const place = this.#sales.size
    this.#sales.set(row.transactionId, place)
    if (this.#returned.has(row.transactionId))
      this.#lineIds[place] = row.request.lines.map(({ lineId }) => lineId)
  }

  #hasRoom(size: number): boolean {
    const { sales, lines } = this.#packer
    const taken = sales - this.#from + lines - this.#firstLine + size
    return taken <= MOST_OF_ONE && sales + lines + size <= MOST_IN_ALL
  }

  /** What is given up leaves its room to others. */
  end(): Told {
    if (this.#isPlain) this.#catchUp(null)
    if (!this.#isPlain) {
      this.#packer.cut(this.#from)
      return null
    }
    const { sales } = this.#packer
    const returns = this.#packed.length > 0 && { returns: this.#packed, lineIds: this.#lineIds }
    return { from: this.#from, to: sales, ...returns }
  }

  #catchUp(id: string | null): void {
    for (; this.#next < this.#returns.length; this.#next += 1) {
      const { transactionId, step, reversed } = this.#returns[this.#next]!
      if (id !== null && step.id > id) return
      const of = this.#sales.get(transactionId)
      if (of === undefined) {
        this.#isPlain = false
        return
      }
      this.#packed.push({ ...step, after: this.#sales.size, of, took: this.#packer.sums(reversed) })
    }
  }
}

interface Returned {
  readonly transactionId: string
  readonly step: Omit<PackedReturn, 'of' | 'took' | 'after'>
  readonly reversed: readonly { rule: string; currency: string; points: number }[]
}

/** Null: the command is no return. */
function returnedBy({ commandId, at: recorded, request, reply }: CommandRow): Returned | null {
  const asked = JSON.parse(request) as Request
  if (asked.kind !== 'return') return null
  const { reversed = [] } = JSON.parse(reply ?? '{}') as Partial<Pick<Returned, 'reversed'>>
  const body: ReturnBody = asked.body
  return {
    transactionId: asked.transactionId,
    step: { id: commandId, recorded: recorded.getTime(), body },
    reversed,
  }
}
