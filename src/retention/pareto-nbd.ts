/**
 * Pareto/NBD: steady rates as in NBD, and everybody leaves sometime, after a lifetime whose rate is gamma
 * distributed as well (Schmittlein, Morrison and Colombo 1987, "Counting Your Customers: Who Are They and What
 * Will They Do Next?"; the likelihood as derived by Fader and Hardie 2005, arranged so that nothing overflows).
 */
import gammaln from '@stdlib/math-base-special-gammaln'
import type { History } from './cell.ts'
import { gaussFromOne } from './hypergeometric.ts'
import type { Law } from './law.ts'
import { integral } from './quadrature.ts'

export interface ParetoParameters {
  /** shape and rate (in units of time) of the gamma law of purchase rates */
  readonly r: number
  readonly alpha: number
  /** the same of dropout rates */
  readonly s: number
  readonly beta: number
}

export function paretoNbd(parameters: ParetoParameters): Law {
  const { r, alpha, s, beta } = parameters
  const start = r * Math.log(alpha) - gammaln(r) + s * Math.log(beta)
  /** ln of (alpha + y)^-(r+x) * (beta + y)^-s: a customer until y */
  const present = (x: number, y: number) => -(r + x) * Math.log(alpha + y) - s * Math.log(beta + y)
  return {
    constant: (x) => start + gammaln(r + x),
    stayed: (x, T) => present(x, T) + Math.log(Math.max(1 - leavesFirst(parameters, x, T), Number.EPSILON)),
    gone: (x, tx) => present(x, tx) + Math.log(leavesFirst(parameters, x, tx)),
    alive: present,
    moreIfAlive: (member, h, most) => moreIfAlive(parameters, member, { h, most }),
    expectedIfAlive: (member, h) => expectedIfAlive(parameters, member, h),
  }
}

/**
 * The chance that a customer at y leaves before the next purchase,
 * s (alpha+y)^(r+x) (beta+y)^s * integral from y on of (alpha+u)^-(r+x) (beta+u)^-(s+1) du,
 * so that the time of leaving within (tx, T] has weight A(tx) f(tx) - A(T) f(T) with A as in `present`: the two
 * hypergeometric functions of the papers, each taken with its own power and kept between 0 and 1.
 */
function leavesFirst({ r, alpha, s, beta }: ParetoParameters, x: number, y: number): number {
  const [buying, all] = [r + x, r + x + s]
  if (alpha >= beta) return (s / all) * gaussFromOne(buying, all, (alpha - beta) / (alpha + y))
  const ahead = gaussFromOne(s + 1, all, (beta - alpha) / (beta + y))
  return (s / all) * ((alpha + y) / (beta + y)) * ahead
}

/**
 * More than m purchases: the (m+1)-th comes within h and before leaving. Over w = ln((alpha'+u) / alpha') its
 * time u has the density Gamma(r'+m+1) / (Gamma(r') m!) (1 - e^-w)^m e^(-r' w), smooth however many purchases
 * there were; alpha' = alpha + T and so on are the parameters as known at T.
 */
function moreIfAlive(
  { r, alpha, s, beta }: ParetoParameters,
  { x, T }: History,
  { h, most }: { h: number; most: number },
): number {
  const [size, before, age] = [r + x, alpha + T, beta + T]
  const scale = gammaln(size + most + 1) - gammaln(size) - gammaln(most + 1)
  const density = (w: number) => {
    const grown = Math.expm1(w)
    const arrival = most === 0 ? 0 : most * Math.log(-Math.expm1(-w))
    return Math.exp(scale + arrival - size * w - s * Math.log1p((before * grown) / age))
  }
  const peak = Math.log1p(most / size)
  const spread = Math.sqrt((most + 1) / (size * (size + most + 1)))
  const low = Math.max(0, peak - 12 * spread)
  const high = Math.min(Math.log1p(h / before), peak + 12 * spread + 40 / size)
  if (high <= low) return 0
  return integral(density, { low, high, panels: panelsFor(high - low, spread) })
}

const MOST_PANELS = 64

function panelsFor(width: number, spread: number): number {
  return Math.min(Math.ceil(width / Math.min(4 * spread, 2)), MOST_PANELS)
}

/** (r+x)/(alpha+T) * (beta+T) * (1 - q^(s-1)) / (s-1) with q = (beta+T) / (beta+T+h); the limit where s is 1. */
function expectedIfAlive({ r, alpha, s, beta }: ParetoParameters, { x, T }: History, h: number): number {
  const rate = (r + x) / (alpha + T)
  const log = Math.log1p(h / (beta + T))
  const bend = (1 - s) * log
  const share = Math.abs(bend) < 1e-12 ? log : Math.expm1(bend) / (1 - s)
  return rate * (beta + T) * share
}
