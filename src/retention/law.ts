/**
 * What a law of buying must say of a member, and its log-likelihood over cells. Every law here has a likelihood
 * of the same build, a part that does not change with the time of the last purchase and one that does not
 * change with the age, so that a million members share most of the work.
 */
import { type Cell, type History, numbering } from './cell.ts'

/**
 * L(x, tx, T) = exp(constant(x)) * (exp(stayed(x, T) + spell(x, tx, T)) + exp(gone(x, tx))): roughly, still a
 * customer and silent since the last purchase, or gone since. All four are logarithms, finite for any tidy history except that `gone` is -Infinity where the law knows no
 * dropout.
 */
export interface Law {
  /** what does not change while the member is silent */
  constant(x: number): number
  stayed(x: number, T: number): number
  gone(x: number, tx: number): number
  /** for laws with regular gaps: the spell since the last purchase is not forgotten */
  readonly spell?: (x: number, tx: number, T: number) => number
  /** the part of being a customer at T, where it is not all of `stayed` with its `spell` */
  readonly alive?: (x: number, T: number) => number
  /** P(more than `most` purchases in (T, T+h] | still a customer at T) */
  moreIfAlive(member: History, h: number, most: number): number
  /** expected purchases in (T, T+h] of one who is still a customer at T */
  expectedIfAlive(member: History, h: number): number
}

/** ln(e^a + e^b) without overflow. */
export function logAddExp(a: number, b: number): number {
  if (b === Number.NEGATIVE_INFINITY) return a
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b))
}

export function probability(value: number): number {
  return value > 0 ? Math.min(value, 1) : 0
}

function stayedSilent(law: Law, { x, tx, T }: History): number {
  return law.stayed(x, T) + (law.spell?.(x, tx, T) ?? 0)
}

/** ln L(x, tx, T), up to what is the same for all T. */
function logSilence(law: Law, member: History): number {
  return logAddExp(stayedSilent(law, member), law.gone(member.x, member.tx))
}

/** L(x, tx, T+h) / L(x, tx, T): P(no purchase in (T, T+h]). */
export function silentAhead(law: Law, member: History, h: number): number {
  const gone = law.gone(member.x, member.tx)
  const now = logAddExp(stayedSilent(law, member), gone)
  const then = logAddExp(stayedSilent(law, { ...member, T: member.T + h }), gone)
  return probability(Math.exp(then - now))
}

export function logLikelihood(law: Law, member: History): number {
  return law.constant(member.x) + logSilence(law, member)
}

export function aliveNow(law: Law, member: History): number {
  const alive = law.alive?.(member.x, member.T) ?? stayedSilent(law, member)
  return probability(Math.exp(alive - logSilence(law, member)))
}

/** Cells by column; parts of the likelihood that cells share are listed once. */
export interface CellTable {
  readonly size: number
  readonly x: Float64Array
  readonly tx: Float64Array
  readonly T: Float64Array
  readonly count: Float64Array
  /** the different x, and the different (x, T) and (x, tx), of all cells; `at…` says where a cell's is */
  readonly constants: Shared
  readonly ages: Shared
  readonly lasts: Shared
}

interface Shared {
  readonly x: Float64Array
  readonly time: Float64Array
  readonly at: Int32Array
}

export function tabulate(cells: readonly Cell[]): CellTable {
  const column = (key: keyof Cell) => Float64Array.from(cells, (cell) => cell[key])
  const [x, tx, T, count] = [column('x'), column('tx'), column('T'), column('count')]
  const shared = (time: Float64Array) => share(x, time)
  const constants = shared(new Float64Array(x.length))
  return { size: cells.length, x, tx, T, count, constants, ages: shared(T), lasts: shared(tx) }
}

function share(x: Float64Array, time: Float64Array): Shared {
  const [times, places] = [numbering(), numbering()]
  const at = Int32Array.from(x, (purchases, i) => places(purchases * 2 ** 26 + times(time[i] as number)))
  const first: number[] = []
  at.forEach((place, i) => {
    if (place === first.length) first.push(i)
  })
  const pick = (from: Float64Array) => Float64Array.from(first, (i) => from[i] as number)
  return { x: pick(x), time: pick(time), at }
}

function each({ x, time }: Shared, part: (x: number, time: number) => number): Float64Array {
  // A plain loop: Float64Array.from asks for one value at a time and takes ten times as long.
  const values = new Float64Array(x.length)
  for (let i = 0; i < x.length; i++) values[i] = part(x[i] as number, time[i] as number)
  return values
}

/** The log-likelihood of all members. Each part is worked out once, however many cells share it. */
export function logLikelihoodOfTable(law: Law, table: CellTable): number {
  const constant = each(table.constants, (x) => law.constant(x))
  const stayed = each(table.ages, (x, T) => law.stayed(x, T))
  const gone = each(table.lasts, (x, tx) => law.gone(x, tx))
  const { x, tx, T, count, constants, ages, lasts } = table
  const spell = law.spell ?? noSpell
  let sum = 0
  for (let i = 0; i < table.size; i++) {
    const stay =
      (stayed[ages.at[i] as number] as number) + spell(x[i] as number, tx[i] as number, T[i] as number)
    const silent = logAddExp(stay, gone[lasts.at[i] as number] as number)
    sum += (count[i] as number) * ((constant[constants.at[i] as number] as number) + silent)
  }
  return sum
}

function noSpell(): number {
  return 0
}
