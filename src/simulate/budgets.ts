/**
 * Limits over all members in a simulation. Members are replayed apart and in threads, so what others took
 * before a command comes from the course of the pass before; when a pass takes what the last one took, every
 * command has seen exactly what the earlier ones left, and the course is the one of a single file of commands.
 */
import type { KeptValuation } from '../earning/valued.ts'
import { BudgetDesk, type BudgetKey } from '../engine/budgets.ts'
import type { LimitUse } from '../rules/facts.ts'

/** What a command took of a budget; below zero where a return gave some back. */
export interface Take {
  readonly budget: string
  readonly period: string
  readonly commandId: string
  readonly points: bigint
}

/** By budget and period: commands in the order of their ids, and what was taken up to and with each. */
export type Course = ReadonlyMap<
  string,
  { readonly ids: readonly string[]; readonly sums: readonly bigint[] }
>

export function courseOf(takes: readonly Take[]): Course {
  const byKey = new Map<string, Take[]>()
  for (const take of takes) {
    const known = byKey.get(nameOf(take))
    if (known) known.push(take)
    else byKey.set(nameOf(take), [take])
  }
  return new Map([...byKey].map(([key, all]) => [key, inOrder(all)]))
}

function inOrder(takes: Take[]): { ids: string[]; sums: bigint[] } {
  takes.sort((a, b) => (a.commandId < b.commandId ? -1 : a.commandId > b.commandId ? 1 : 0))
  const ids: string[] = []
  const sums: bigint[] = []
  let sum = 0n
  for (const { commandId, points } of takes) {
    sum += points
    if (ids.at(-1) === commandId) sums[sums.length - 1] = sum
    else {
      ids.push(commandId)
      sums.push(sum)
    }
  }
  return { ids, sums }
}

export function sameCourse(a: Course, b: Course): boolean {
  if (a.size !== b.size) return false
  return [...a].every(([key, { ids, sums }]) => {
    const other = b.get(key)
    if (other?.ids.length !== ids.length) return false
    return ids.every((id, index) => id === other.ids[index] && sums[index] === other.sums[index])
  })
}

/** What all commands before this one took. */
export function takenBefore(course: Course, key: Pick<Take, 'budget' | 'period'>, commandId: string): bigint {
  const known = course.get(nameOf(key))
  if (!known) return 0n
  let [low, high] = [0, known.ids.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (known.ids[middle]! < commandId) low = middle + 1
    else high = middle
  }
  return low === 0 ? 0n : known.sums[low - 1]!
}

function nameOf({ budget, period }: Pick<Take, 'budget' | 'period'>): string {
  return `${budget} ${period}`
}

/** The desk at which replayed commands ask. */
export class PastBudgets extends BudgetDesk {
  readonly #course: Course
  readonly #takes: Take[]
  #commandId = ''
  #seen: KeptValuation['used'] = []

  constructor(course: Course, takes: Take[]) {
    super([], { shard: 0, whole: true, keys: [] })
    this.#course = course
    this.#takes = takes
  }

  /** A command comes to the desk; `seen`: what its sale saw then, where it is valued by the rules of then. */
  begin(commandId: string, seen: KeptValuation['used']): void {
    this.#commandId = commandId
    this.#seen = seen
  }

  override used({ budget, period }: BudgetKey, total: bigint): bigint {
    const then = this.#seen.find((use) => use.limit === budget && use.period === period)
    const used = then ? BigInt(then.points) : takenBefore(this.#course, { budget, period }, this.#commandId)
    return used < total ? used : total
  }

  override short(): void {}

  override take(_program: string, uses: readonly LimitUse[]): void {
    for (const { limit, period, points } of uses)
      this.#takes.push({ budget: limit, period, commandId: this.#commandId, points })
  }
}
