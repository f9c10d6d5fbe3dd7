/**
 * The lane: every write passes here. Commands that arrive while groups are being written become the next
 * group, one database transaction and one fsync for all of them; nobody is answered before the commit.
 */
import { DomainError } from '../base/errors.ts'
import type { Executor, Sql } from '../db/connection.ts'
import { isLostConnection, withRetry } from '../db/retry.ts'
import { BudgetShort } from './budgets.ts'
import type { Command, Reply } from './command.ts'
import { decide, replayOf } from './decide.ts'
import { load, readRecorded } from './load.ts'
import { persist } from './persist.ts'
import { isUnreadable, type Programs } from './programs.ts'
import type { Projection } from './projection.ts'
import { type GroupState, identifierKey, noWrites, type Writes } from './state.ts'

export interface Lane {
  /** Decides and commits; resolves after the commit. Rejects with the refusal, or `queue_full`. */
  run(command: Command): Promise<Reply>
  /** What the command would come to; nothing is locked, nothing written. */
  preview(command: Command): Promise<Preview>
  /** commands waiting or being written */
  readonly depth: number
  /** Lets what was accepted finish and refuses what comes. */
  close(): Promise<void>
}

export interface Preview {
  /** the reply that it would get */
  readonly body: string
  /** the rows that it would write */
  readonly writes: Writes
}

export interface LaneOptions {
  /** a pool of its own, with `laneSettings` and at least groups + 1 connections */
  readonly sql: Sql
  readonly programs: Programs
  /** what is written of members beside the ledger */
  readonly projection: Projection
  /** commands at most waiting; more are refused with `queue_full` */
  readonly queueLimit: number
  /** groups being written at a time: while one waits for the disk, the next is decided */
  readonly groups?: number
  /** commands at most in one group */
  readonly groupSize?: number
  readonly onGroup?: (group: { size: number; seconds: number }) => void
}

interface Waiting {
  readonly command: Command
  readonly key: string
  resolve(reply: Reply): void
  reject(error: unknown): void
}

type Outcome = { reply: Reply } | { refusal: unknown }

const DEFAULT_GROUPS = 2
/** Commands at most in one group, where nothing else is said. */
export const MOST_IN_GROUP = 128

/** Somebody else took a key between reading and writing; the group is decided again. */
const UNIQUE_VIOLATION = '23505'

export function createLane(options: LaneOptions): Lane {
  const { sql, programs, projection, queueLimit, onGroup } = options
  const groups = options.groups ?? DEFAULT_GROUPS
  const groupSize = options.groupSize ?? MOST_IN_GROUP
  const queue: Waiting[] = []
  const busy = new Set<string>()
  let writing = 0
  let inFlight = 0
  let scheduled = false
  let closed = false
  let idle: (() => void) | null = null

  function run(command: Command): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (closed || queue.length >= queueLimit) {
        reject(new DomainError('queue_full', { waiting: queue.length }))
        return
      }
      queue.push({ command, key: routeOf(command), resolve, reject })
      schedule()
    })
  }

  // Not at once: whatever else this turn of the event loop brings in belongs to the same group.
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      while (writing < groups && queue.length > 0) {
        const group = takeGroup()
        if (group.length === 0) return
        void write(group)
      }
    })
  }

  // A member whose command is being written waits for it here rather than on its row lock, so that
  // commands on one member run in order of arrival.
  function takeGroup(): Waiting[] {
    const group: Waiting[] = []
    const kept: Waiting[] = []
    const skipped = new Set<string>()
    let index = 0
    for (; index < queue.length && group.length < groupSize; index += 1) {
      const waiting = queue[index]!
      if (busy.has(waiting.key) || skipped.has(waiting.key)) {
        skipped.add(waiting.key)
        kept.push(waiting)
      } else group.push(waiting)
    }
    queue.splice(0, index, ...kept)
    return group
  }

  async function write(group: Waiting[]): Promise<void> {
    writing += 1
    inFlight += group.length
    const keys = new Set(group.map(({ key }) => key))
    for (const key of keys) busy.add(key)
    const started = performance.now()
    let sound: readonly Waiting[] = group
    try {
      sound = await readable(group)
      const outcomes = sound.length === 0 ? [] : await attempt(sound.map(({ command }) => command))
      for (const [index, waiting] of sound.entries()) settle(waiting, outcomes[index]!)
    } catch (error) {
      if (sound.length === 1 && !isUnreadable(error)) sound[0]!.reject(passing(error))
      else await writeOneByOne(sound, error)
    } finally {
      onGroup?.({ size: group.length, seconds: (performance.now() - started) / 1000 })
      for (const key of keys) busy.delete(key)
      writing -= 1
      inFlight -= group.length
      if (queue.length > 0) schedule()
      else if (writing === 0) idle?.()
    }
  }

  // Where a program's rules no longer load, its commands are refused before they fail a group of others'.
  async function readable(group: readonly Waiting[]): Promise<readonly Waiting[]> {
    if (group.every(({ command }) => programs.loads(command.program, command.at))) return group
    await programs.refresh()
    const refusals = new Map<Waiting, unknown>()
    for (const waiting of group) {
      try {
        programs.find(waiting.command.program, waiting.command.at)
      } catch (refusal) {
        refusals.set(waiting, refusal)
      }
    }
    await refuseUnlessAnswered(refusals)
    return group.filter((waiting) => !refusals.has(waiting))
  }

  // What was answered before needs no rules: a till that asks again hears the same.
  async function refuseUnlessAnswered(refusals: ReadonlyMap<Waiting, unknown>): Promise<void> {
    const commands = [...refusals.keys()].map(({ command }) => command)
    const recorded = await withRetry(() => readRecorded(sql, commands), { afterLostConnection: true })
    for (const [waiting, refusal] of refusals) {
      try {
        const reply = replayOf(recorded, waiting.command)
        if (reply === null) waiting.reject(refusal)
        else waiting.resolve(reply)
      } catch (conflict) {
        waiting.reject(conflict)
      }
    }
  }

  // One bad command must not fail its neighbours: where the group as a whole fails, each goes alone.
  async function writeOneByOne(group: readonly Waiting[], cause: unknown): Promise<void> {
    if (isLostConnection(cause)) {
      for (const waiting of group) waiting.reject(passing(cause))
      return
    }
    for (const waiting of group) {
      try {
        await writeAlone(waiting)
      } catch (error) {
        waiting.reject(passing(error))
      }
    }
  }

  async function writeAlone(waiting: Waiting): Promise<void> {
    try {
      const [outcome] = await attempt([waiting.command])
      settle(waiting, outcome!)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      await refuseUnlessAnswered(new Map([[waiting, error]]))
    }
  }

  /** Deciding again finds the answers recorded, so trying again is safe even after a lost connection. */
  function attempt(commands: readonly Command[]): Promise<Outcome[]> {
    const once = async () => {
      try {
        return await commit(commands)
      } catch (error) {
        if (error instanceof BudgetShort) return commit(commands, { whole: true })
        throw error
      }
    }
    return withRetry(once, { afterLostConnection: true, isPassing: isTakenKey })
  }

  async function commit(commands: readonly Command[], { whole = false } = {}): Promise<Outcome[]> {
    const outcomes = await sql.begin(async (tx) => {
      const group = await open(tx, commands, { lock: true, whole })
      const writes = noWrites()
      const decided = commands.map((command): Outcome => {
        try {
          return { reply: decide(group, writes, { command, rules: programs }) }
        } catch (refusal) {
          return { refusal }
        }
      })
      if (group.budgets?.isShort) throw new BudgetShort()
      await Promise.all(persist(tx, group, writes))
      return decided
    })
    return outcomes as Outcome[]
  }

  // Rules that were published since are seen before anything is decided, by the whole group or not at all.
  async function open(
    tx: Executor,
    commands: readonly Command[],
    how: { lock: boolean; whole: boolean },
  ): Promise<GroupState> {
    const asked = { rules: programs, ...how, ...(how.lock && { projection }) }
    const [isNew, group] = await Promise.all([programs.refresh(tx), load(tx, commands, asked)])
    return isNew ? load(tx, commands, asked) : group
  }

  async function preview(command: Command): Promise<Preview> {
    const ask = () =>
      sql.begin('isolation level repeatable read read only', async (tx) => {
        const group = await open(tx, [command], { lock: false, whole: false })
        const writes = noWrites()
        return { body: decide(group, writes, { command, rules: programs }).body, writes }
      })
    try {
      return (await withRetry(ask, { afterLostConnection: true })) as Preview
    } catch (error) {
      throw passing(error)
    }
  }

  return {
    run,
    preview,
    get depth() {
      return queue.length + inFlight
    },
    async close() {
      closed = true
      if (queue.length === 0 && writing === 0) return
      await new Promise<void>((resolve) => {
        idle = resolve
      })
    },
  }
}

/** What a command is told apart by until its member is known; row locks keep the rest in order. */
function routeOf({ program, request }: Command): string {
  switch (request.kind) {
    case 'enrol':
      return JSON.stringify(request.body.identifiers)
    case 'earn':
    case 'attach':
    case 'redeem':
    case 'adjust':
    case 'extend': {
      const { memberId, identifier, externalRef } = request.body
      if (memberId === undefined && !identifier) return JSON.stringify([request.kind, program, externalRef])
      return memberId ?? identifierKey(program, identifier?.kind ?? '', identifier?.value ?? '')
    }
    case 'return':
    case 'confirm':
    case 'cancel':
      return request.transactionId
    case 'capture':
    case 'release':
    case 'reverse':
      return request.redemptionId
    case 'transfer': {
      const { memberId, identifier } = request.body.from
      return memberId ?? identifierKey(program, identifier?.kind ?? '', identifier?.value ?? '')
    }
    case 'create_pool':
      return request.body.members[0] ?? ''
    case 'join_pool':
      return request.poolId
    default:
      return request.memberId
  }
}

function settle(waiting: Waiting, outcome: Outcome): void {
  if ('reply' in outcome) waiting.resolve(outcome.reply)
  else waiting.reject(outcome.refusal)
}

function isTakenKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION
}

/** A database that is away is the caller's to try again, not a defect. */
function passing(error: unknown): unknown {
  return isLostConnection(error) ? new DomainError('database_unavailable') : error
}
