/**
 * Packs the history of members, read in order with one member in mind at a time. A history that the short way
 * of a simulation does not know how to tell is not packed, and its member is read anew each time.
 */
import type { Executor } from '../db/connection.ts'
import type { ReturnBody } from '../earning/transaction.ts'
import type { Request } from '../engine/command.ts'
import type { MemberState } from '../engine/state.ts'
import { recordedState } from './chunk.ts'
import { commandOf, type Simulated } from './member-run.ts'
import type { PackedMember, PackedReturn, PackedSale, PackedStep, Packer } from './pack.ts'
import { type CommandRow, readAlone, readCommands, type SaleRow, streamSales } from './queries.ts'
import { replayed } from './replay.ts'
import { at } from './tally.ts'

/**
 * Sales and their lines of one stretch, and of one member: of whoever has more, only one sale at a time is kept
 * in mind. So a pack has some ten megabytes at most, mostly one.
 */
const MOST_IN_ALL = 400_000
const MOST_OF_ONE = 40_000

interface Packing {
  readonly what: Simulated
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
  const room: Room = { left: MOST_IN_ALL }
  const histories = new Map(ids.map((id) => [id, new History(byMember.get(id) ?? [], { packer, room })]))
  for await (const sales of streamSales(sql, ids)) {
    for (const sale of sales) histories.get(sale.memberId)!.sale(sale)
  }
  return all.map(({ id, token }) => {
    const history = histories.get(id)
    if (!history) return { ...NOBODY, id, token, kind: 'out' as const, settledAt: what.asOf.getTime() }
    const steps = history.end()
    const as = { token, settledAt: what.asOf.getTime() }
    return {
      ...packedState(group.members.get(id)!),
      ...as,
      id,
      kind: steps ? 'packed' : 'apart',
      steps: steps ?? [],
    }
  })
}

const NOBODY = {
  ...{ dueAt: null, enrolledAt: 0, attributes: {}, marks: [], accounts: [], changes: [], steps: [] },
}

function packedState(
  state: MemberState,
): Omit<PackedMember, 'id' | 'token' | 'kind' | 'settledAt' | 'steps'> {
  const { member, dueAt, marks = [], book, history } = state
  return {
    dueAt: dueAt?.getTime() ?? null,
    enrolledAt: member.enrolledAt.getTime(),
    attributes: member.attributes,
    marks: marks.map(({ kind, name, since, until }) => [
      kind,
      name,
      since.getTime(),
      until?.getTime() ?? null,
    ]),
    accounts: [...book.accounts.values()].map(({ currency, available, pending, held, negative }) => [
      currency,
      ...([Number(available), Number(pending), Number(held), Number(negative)] as const),
    ]),
    changes: history.map(({ ladder, from, to, direction, effectiveAt, until }) => [
      ...([ladder, from, to, direction, effectiveAt.getTime(), until?.getTime() ?? null] as const),
    ]),
  }
}

interface Room {
  left: number
}

/** One member's steps, as far as they can be packed. */
class History {
  readonly #packer: Packer
  readonly #room: Room
  #taken = 0
  readonly #returns: readonly Returned[]
  readonly #returned: ReadonlySet<string>
  readonly #steps: PackedStep[] = []
  /** by id: which of the sales it is */
  readonly #sales = new Map<string, number>()
  #next = 0
  #latest = Number.NEGATIVE_INFINITY
  #saysMarks: boolean | null = null
  #isPlain = true

  constructor(commands: readonly CommandRow[], { packer, room }: { packer: Packer; room: Room }) {
    this.#packer = packer
    this.#room = room
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
    this.#isPlain &&=
      isInOrder && isAlike && row.revalued === null && this.#hasRoom(1 + row.request.lines.length)
    if (!this.#isPlain) return
    this.#latest = occurred
    this.#saysMarks = saysMarks
    const packed: PackedSale = this.#packer.sale(row, { id, at: occurred, recorded })
    this.#sales.set(row.transactionId, this.#sales.size)
    const isReturned = this.#returned.has(row.transactionId)
    this.#steps.push(
      isReturned ? { ...packed, lineIds: row.request.lines.map(({ lineId }) => lineId) } : packed,
    )
  }

  /** What is given up leaves its room to others. */
  #hasRoom(size: number): boolean {
    this.#taken += size
    this.#room.left -= size
    if (this.#room.left >= 0 && this.#taken <= MOST_OF_ONE) return true
    this.#room.left += this.#taken
    this.#steps.length = 0
    return false
  }

  /** Null: it cannot be told the short way. */
  end(): readonly PackedStep[] | null {
    if (this.#isPlain) this.#catchUp(null)
    return this.#isPlain ? this.#steps : null
  }

  #catchUp(id: string | null): void {
    for (; this.#next < this.#returns.length; this.#next += 1) {
      const { transactionId, step } = this.#returns[this.#next]!
      if (id !== null && step.id > id) return
      const of = this.#sales.get(transactionId)
      if (of === undefined) {
        this.#isPlain = false
        return
      }
      this.#steps.push({ ...step, of, took: this.#packer.sums(this.#returns[this.#next]!.reversed) })
    }
  }
}

interface Returned {
  readonly transactionId: string
  readonly step: Omit<PackedReturn, 'of' | 'took'>
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
