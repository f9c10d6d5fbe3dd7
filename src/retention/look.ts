/**
 * One planned look at a campaign: every arm against the control by intention to treat, and what follows. Rolled
 * out only when the lower bound of the net value is above zero, stopped when the upper bound is below, and
 * never on groups that chance did not make.
 */
import { type Interval, type Mean, newcombe, type Sums, sampleRatio, welch } from './difference.ts'
import { boundaries } from './spending.ts'

/** A group's outcomes, of members whose days are over. */
export interface Group {
  readonly arm: string
  /** put into the arm by chance, whether their days are over or not */
  readonly assigned: number
  readonly members: number
  /** who bought at all in their days */
  readonly buyers: number
  readonly spend: Sums
  /** margin x spend - cost - points at their value, member by member */
  readonly net: Sums
}

export interface ArmSeen extends Pick<Group, 'arm' | 'assigned' | 'members' | 'buyers'> {
  readonly spendPerMember: number | null
  readonly netPerMember: number | null
  /** against the control; null for the control itself, and where there is too little to say */
  readonly buying: Interval | null
  readonly spendDifference: Interval | null
  /** at 95 % as if this look were the only one, and at the bound of the plan: that one decides */
  readonly netDifference: Interval | null
  readonly planned: Interval | null
  readonly verdict: 'control' | 'pays' | 'costs' | 'open'
}

export interface LookTerms {
  readonly arms: readonly string[]
  /** shares of control and each arm, as chance was told */
  readonly control: number
  /** two-sided, over all looks and arms */
  readonly error: number
}

export interface Look {
  /** share of the planned members whose days are over */
  readonly fraction: number
  /** in standard errors */
  readonly boundary: number
  /** p of the sample-ratio check; below RATIO_ALARM nothing is decided */
  readonly sampleRatio: number
  readonly arms: readonly ArmSeen[]
  readonly decision: 'go_on' | 'roll_out' | 'stop' | 'undecided'
  readonly winner: string | null
}

export const RATIO_ALARM = 0.001
/** Below so many in a group no law of large numbers helps. */
const FEWEST = 20

/** `before`: the fractions of the looks that were taken already. */
export function lookAt(
  terms: LookTerms,
  groups: readonly Group[],
  plan: { readonly before: readonly number[]; readonly fraction: number; readonly isLast: boolean },
): Look {
  const { arms, control, error } = terms
  const { before, fraction, isLast } = plan
  const boundary = boundaries([...before, fraction], error / arms.length, isLast).at(-1)!
  const named = (arm: string) => groups.find((group) => group.arm === arm) ?? emptyGroup(arm)
  const left = named('control')
  const seen = arms.map((arm) => armSeen(named(arm), left, boundary))
  const shares = [control, ...arms.map(() => (1 - control) / arms.length)]
  const ratio = sampleRatio(
    [left, ...arms.map(named)].map(({ assigned }) => assigned),
    shares,
  )
  const paying = seen.filter(({ verdict }) => verdict === 'pays')
  const best = paying.reduce<ArmSeen | null>(
    (top, one) => (top && top.planned!.difference >= one.planned!.difference ? top : one),
    null,
  )
  const isFair = ratio >= RATIO_ALARM
  const winner = isFair ? (best?.arm ?? null) : null
  const allCost = isFair && seen.every(({ verdict }) => verdict === 'costs')
  const decision = winner !== null ? 'roll_out' : allCost ? 'stop' : isLast ? 'undecided' : 'go_on'
  const shown = [{ ...armSeen(left, left, boundary), ...nothingAgainstItself }, ...seen]
  return { fraction, boundary, sampleRatio: ratio, arms: shown, decision, winner }
}

const nothingAgainstItself = {
  ...{ buying: null, spendDifference: null, netDifference: null, planned: null },
  verdict: 'control',
} as const

export function emptyGroup(arm: string): Group {
  const none = { members: 0, sum: 0, squares: 0 }
  return { arm, assigned: 0, members: 0, buyers: 0, spend: none, net: none }
}

/** `boundary`: in standard errors; the verdict is by it. */
export function armSeen(group: Group, control: Group, boundary: number): ArmSeen {
  const { arm, assigned, members, buyers } = group
  const isEnough = members >= FEWEST && control.members >= FEWEST
  const planned = isEnough ? welch(group.net, control.net, { bound: boundary }) : null
  const hits = (one: Group) => ({ members: one.members, hits: one.buyers })
  return {
    ...{ arm, assigned, members, buyers },
    spendPerMember: mean(group.spend),
    netPerMember: mean(group.net),
    buying: newcombe(hits(group), hits(control)),
    spendDifference: interval(welch(group.spend, control.spend, { confidence: 0.95 })),
    netDifference: interval(welch(group.net, control.net, { confidence: 0.95 })),
    planned: interval(planned),
    verdict: planned === null ? 'open' : planned.low > 0 ? 'pays' : planned.high < 0 ? 'costs' : 'open',
  }
}

function mean({ members, sum }: Sums): number | null {
  return members === 0 ? null : sum / members
}

function interval(of: Mean | null): Interval | null {
  return of && { difference: of.difference, low: of.low, high: of.high }
}
