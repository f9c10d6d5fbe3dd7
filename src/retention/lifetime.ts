/**
 * Purchases yet to come, each worth less the later it comes: with a member's expected mean spend and a margin,
 * his lifetime value (discounted expected residual transactions; Fader, Hardie and Lee 2005, "RFM and CLV").
 */
import { invariant } from '../base/errors.ts'
import type { History } from './cell.ts'
import type { FittedModel } from './model.ts'
import { integral } from './quadrature.ts'

/** Further than this many mean discounting times, a purchase is worth less than a hundred-millionth. */
const FURTHEST = 20
const PANELS = 3

/**
 * The integral of rate * exp(-rate t) * expected(t) over all t to come, for any model, by a rule that is fine
 * near now and coarse far off. `rate` is the continuous discount per unit of time, ln(1.15) / 52 for 15 percent
 * a year on a clock of weeks. It asks for 48 expectations: work it out per cell, not per member.
 */
export function discountedExpected(
  model: Pick<FittedModel, 'expected'>,
  member: History,
  rate: number,
): number {
  invariant(rate > 0 && Number.isFinite(rate), 'without a discount what is to come may have no bound')
  const near = 0.05 / rate
  const worth = (w: number) => {
    const t = near * Math.expm1(w)
    return rate * Math.exp(-rate * t) * model.expected(member, t) * (near + t)
  }
  return integral(worth, { low: 0, high: Math.log1p(FURTHEST / rate / near), panels: PANELS })
}
