/**
 * The standing holdout as a whole: everybody whom any campaign would have reached, those whom campaigns may
 * treat against those whom none ever touches, by intention to treat. It is the one comparison that also counts
 * what campaigns do to each other. Read at any time; nothing is decided on it, so there is no plan of looks.
 */
import { dayOf } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import { type Programs, readableAt } from '../engine/programs.ts'
import { marginOf } from '../program/margin.ts'
import type { Program } from '../program/program.ts'
import { HOLDOUT } from './chance.ts'
import { type Interval, newcombe, type Sums, sampleRatio, welch } from './difference.ts'
import { daysOver, outcomes, pointValuesOf } from './groups.ts'
import { emptyGroup, type Group, RATIO_ALARM } from './look.ts'
import { addOutcome } from './outcome.ts'
import { type StandingDay, standingDays, treatedOfOpen } from './queries-holdout.ts'

export const DEFAULT_DAYS = 91
export const LONGEST_DAYS = 730
const CONFIDENCE = 0.95

export interface HoldoutGroup {
  readonly arm: 'open' | 'holdout'
  readonly assigned: number
  /** whose days are over */
  readonly members: number
  readonly buyers: number
  readonly spendPerMember: number | null
  readonly netPerMember: number | null
}

export interface HoldoutShown {
  readonly asOf: string
  /** days after the assignment that are measured */
  readonly days: number
  /** of members that are left alone, as the rules in force say */
  readonly share: number
  readonly margin: number
  readonly groups: readonly HoldoutGroup[]
  /** of the open group, by any campaign */
  readonly treated: number
  readonly sampleRatio: { readonly p: number; readonly isFair: boolean }
  /** open less holdout, 95 %; null where there is too little to say */
  readonly buying: Interval | null
  readonly spendDifference: Interval | null
  readonly netDifference: Interval | null
  /** the net value of all measured members of the open group */
  readonly total: Interval | null
  readonly verdict: 'pays' | 'costs' | 'open'
}

/** Where the share of the holdout was another, chance made other groups: each share is a stratum. */
interface Stratum {
  readonly share: number
  readonly groups: Map<string, Group>
}

export interface HoldoutAsked {
  readonly program: Program
  readonly at: Date
  readonly days: number
  /** the share that was in force at an instant */
  shareAt(at: Date): number
}

/** The share that was in force at an instant, by the rules of then; by those of now where they no longer load. */
export function sharesOf(
  programs: Pick<Programs, 'find' | 'loads'>,
  program: Program,
): HoldoutAsked['shareAt'] {
  return (at) => (readableAt(programs, program.id, at) ?? program).experiments.holdout
}

export async function showHoldout(sql: Sql, asked: HoldoutAsked): Promise<HoldoutShown> {
  const { program, at, days } = asked
  const [standing, treated] = await Promise.all([
    standingDays(sql, { program: program.id, at }),
    treatedOfOpen(sql, { program: program.id, at }),
  ])
  const shares = new Map<number, number>()
  for (const one of standing) if (!shares.has(one.day)) shares.set(one.day, asked.shareAt(one.at))
  const strata = strataOf(standing, shares)
  const margin = marginOf(program).toNumber()
  const how = { measureDays: days, margin, values: pointValuesOf(program) }
  const experiment = { program: program.id, experiment: HOLDOUT, phase: 'test', costs: 'all' as const }
  for await (const row of outcomes(sql, { ...experiment, measureDays: days, ...daysOver(program, at) })) {
    const stratum = strata.get(shares.get(row.assignedDay) ?? Number.NaN)
    if (stratum) addOutcome(stratum.groups, row, how)
  }
  return {
    asOf: dayOf(program.timeZone, at),
    ...{ days, share: program.experiments.holdout, margin, treated },
    ...compared([...strata.values()]),
  }
}

function strataOf(
  standing: readonly StandingDay[],
  shares: ReadonlyMap<number, number>,
): Map<number, Stratum> {
  const strata = new Map<number, Stratum>()
  for (const { day, arm, members } of standing) {
    const share = shares.get(day)!
    const stratum = strata.get(share) ?? { share, groups: new Map<string, Group>() }
    strata.set(share, stratum)
    const group = stratum.groups.get(arm) ?? emptyGroup(arm)
    stratum.groups.set(arm, { ...group, assigned: group.assigned + members })
  }
  return strata
}

type Compared = Omit<HoldoutShown, 'asOf' | 'days' | 'share' | 'margin' | 'treated'>

/** Pure: what the strata say together. */
export function compared(strata: readonly Stratum[]): Compared {
  const pairs = strata.map(({ share, groups }) => ({
    share,
    open: groups.get('open') ?? emptyGroup('open'),
    left: groups.get('holdout') ?? emptyGroup('holdout'),
  }))
  const sizes = pairs.filter(({ share }) => share > 0)
  const assigned = (of: 'open' | 'left') => sizes.reduce((sum, pair) => sum + pair[of].assigned, 0)
  const expected = sizes.reduce(
    (sum, { share, open, left }) => sum + share * (open.assigned + left.assigned),
    0,
  )
  const all = assigned('open') + assigned('left')
  const p = all === 0 ? 1 : sampleRatio([assigned('open'), assigned('left')], [all - expected, expected])
  const against = (how: (open: Group, left: Group) => Interval | null) =>
    together(pairs.map(({ open, left }) => ({ members: open.members, interval: how(open, left) })))
  const means = (of: (group: Group) => Sums) =>
    against((open, left) => welch(of(open), of(left), { confidence: CONFIDENCE }))
  const net = means((group) => group.net)
  const compared = pairs.filter(({ open, left }) => open.members > 1 && left.members > 1)
  const open = compared.reduce((sum, pair) => sum + pair.open.members, 0)
  const isFair = p >= RATIO_ALARM
  return {
    groups: [
      shown(
        'open',
        pairs.map((pair) => pair.open),
      ),
      shown(
        'holdout',
        pairs.map((pair) => pair.left),
      ),
    ],
    sampleRatio: { p, isFair },
    buying: against((treated, left) =>
      newcombe({ ...treated, hits: treated.buyers }, { ...left, hits: left.buyers }, CONFIDENCE),
    ),
    spendDifference: means((group) => group.spend),
    netDifference: net,
    total: net && { difference: open * net.difference, low: open * net.low, high: open * net.high },
    verdict: !net || !isFair ? 'open' : net.low > 0 ? 'pays' : net.high < 0 ? 'costs' : 'open',
  }
}

/**
 * A mean of intervals weighted by the members of the open group; its bounds recovered from theirs (MOVER: Zou and
 * Donner, Statistics in Medicine 27, 2008, p. 1693). Of one interval it is that interval.
 */
export function together(
  parts: readonly { readonly members: number; readonly interval: Interval | null }[],
): Interval | null {
  const known = parts.flatMap(({ members, interval }) =>
    interval && members > 0 ? [{ members, ...interval }] : [],
  )
  const all = known.reduce((sum, { members }) => sum + members, 0)
  if (all === 0) return null
  let [difference, below, above] = [0, 0, 0]
  for (const { members, difference: own, low, high } of known) {
    const weight = members / all
    difference += weight * own
    below += (weight * (own - low)) ** 2
    above += (weight * (high - own)) ** 2
  }
  return { difference, low: difference - Math.sqrt(below), high: difference + Math.sqrt(above) }
}

function shown(arm: HoldoutGroup['arm'], groups: readonly Group[]): HoldoutGroup {
  const sum = (of: (group: Group) => number) => groups.reduce((total, group) => total + of(group), 0)
  const members = sum((group) => group.members)
  const mean = (of: (group: Group) => Sums) =>
    members === 0 ? null : sum((group) => of(group).sum) / members
  return {
    arm,
    assigned: sum(({ assigned }) => assigned),
    members,
    buyers: sum(({ buyers }) => buyers),
    spendPerMember: mean(({ spend }) => spend),
    netPerMember: mean(({ net }) => net),
  }
}
