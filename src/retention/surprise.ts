/**
 * How surprising a silence is, made honest: real gaps have longer tails than any law (holidays, illness), so
 * the law's chances are held against gaps that did end. Where the law is right nothing changes.
 */
import { lawOf, logSurvivalOf, type PooledCadence } from './cadence.ts'
import type { Clock } from './clock.ts'
import type { MemberState } from './state.ts'

export interface Tail {
  /** share of ended gaps that the law calls rarer than `RARE`; at least that much */
  readonly share: number
  /** chances below shrink with this power, 1 where the law is right, less where tails are longer */
  readonly exponent: number
}

const RARE = 0.2
const PRIOR_GAPS = 20
const FEWEST_GAPS = 3

/** From the last ended gap of every member, by the law of the gaps before it. */
export function tailOf(
  states: readonly MemberState[],
  { clock, pooled }: { clock: Clock; pooled: PooledCadence },
): Tail {
  let [gaps, rare, surprise] = [0, 0, 0]
  for (const state of states) {
    if (state.days - 2 < FEWEST_GAPS) continue
    const before = clock.at(state.recentDays.at(-2)!)
    const gap = clock.at(state.lastDay) - before
    const whole = lawOf(state, { clock, pooled })
    const law = { shape: whole.shape, a: whole.a - whole.shape, b: whole.b - whole.shape * gap }
    const log = logSurvivalOf(law, gap)
    gaps++
    if (log >= Math.log(RARE)) continue
    rare++
    surprise += Math.log(RARE) - log
  }
  const share = (rare + PRIOR_GAPS * RARE) / (gaps + PRIOR_GAPS)
  const exponent = (rare + PRIOR_GAPS) / (surprise + PRIOR_GAPS)
  return { share: Math.max(RARE, share), exponent: Math.min(1, exponent) }
}

/** P(an ended gap is longer than the silence), from ln of what the law says. Never below the law's own. */
export function honestly(logSurvival: number, { share, exponent }: Tail): number {
  const above = logSurvival - Math.log(RARE)
  if (above < 0) return share * Math.exp(exponent * above)
  return share + (1 - share) * ((Math.exp(logSurvival) - RARE) / (1 - RARE))
}
