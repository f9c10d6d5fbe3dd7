/**
 * The honest look back: members are scored at a day of the past with what was known then, and held against
 * what they did after, beside "days silent" and the classic models. Only the outcomes come from after the cut.
 */
import { boughtBetween, stateAt } from './cuts.ts'
import { learn, modelsOf } from './learn.ts'
import { areaUnderCurve, calibrationByChance, calibrationError, precisionAtTop } from './measure.ts'
import { endAt, type Purchases } from './purchases.ts'
import { type Scores, scoreAll } from './score.ts'
import type { MemberState } from './state.ts'
import { hasRate, hasRepeat, mostInDecline, type Window } from './targets.ts'

export interface Measured {
  readonly name: string
  readonly auc: number | null
  readonly precisionTop: number | null
  /** null also where the method gives no chances */
  readonly calibration: number | null
  /** what the calibration error would be if these chances were exactly right: the fewer members, the more */
  readonly byChance: number | null
}

export interface Backtest {
  readonly members: number
  readonly lapse: Target
  readonly decline: Target
  readonly flags: {
    readonly gone_quiet: FlagShare
    readonly buying_less: FlagShare
  }
}

export interface Target {
  readonly members: number
  /** share for whom it came true */
  readonly rate: number | null
  /** Milepost first */
  readonly methods: readonly Measured[]
}

export interface FlagShare {
  readonly flagged: number
  /** share of them for whom it did not come true; null where nobody was flagged */
  readonly falseShare: number | null
}

/** `purchases` reach through the outcome; what is scored sees none of it beyond the cut. */
export function backtest(purchases: Purchases, window: Window): Backtest {
  return measured([lookBack(purchases, window)])
}

/** What was foretold at one cut, and what came: not yet measured, so that several can be measured as one. */
export interface LookBack {
  readonly members: number
  readonly lapse: Foretold
  readonly decline: Foretold
  readonly flags: Readonly<Record<RaisedFlag, { flagged: number; wrong: number }>>
}

type RaisedFlag = 'gone_quiet' | 'buying_less'

interface Foretold {
  readonly truths: readonly boolean[]
  readonly methods: readonly Method[]
}

interface Method {
  readonly name: string
  readonly isChance: boolean
  /** in the order of the truths */
  readonly scores: Float64Array
}

export function lookBack(purchases: Purchases, window: Window): LookBack {
  const known = upTo(purchases, window.asOf)
  const members = { count: known.memberIds.length, state: (i: number) => stateAt(known, i, window.asOf)! }
  const scores = scoreAll(members, learn(known, window))
  const places = new Map(purchases.memberIds.map((id, place) => [id, place]))
  const through = window.asOf + window.horizonDays
  const bought = known.memberIds.map((id) =>
    boughtBetween(purchases, places.get(id)!, { from: window.asOf, through }),
  )
  const states = Array.from({ length: members.count }, (_, i) => members.state(i))
  const judged: Judged = { known, states, bought, scores, window }
  return {
    members: members.count,
    lapse: lapseOf(judged),
    decline: declineOf(judged),
    flags: { gone_quiet: raised(judged, 'gone_quiet'), buying_less: raised(judged, 'buying_less') },
  }
}

/**
 * All members of all cuts in one: a member counts once for each cut. Few members make a calibration error by
 * chance alone, so many cuts together say more of it than each for itself. A model that some cut hides is left out.
 */
export function measured(cuts: readonly LookBack[]): Backtest {
  return {
    members: cuts.reduce((sum, { members }) => sum + members, 0),
    lapse: targetOf(cuts.map(({ lapse }) => lapse)),
    decline: targetOf(cuts.map(({ decline }) => decline)),
    flags: { gone_quiet: falseShare(cuts, 'gone_quiet'), buying_less: falseShare(cuts, 'buying_less') },
  }
}

interface Judged {
  readonly known: Purchases
  readonly states: readonly MemberState[]
  readonly bought: readonly number[]
  readonly scores: Scores
  readonly window: Window
}

/** The same purchases as if they had ended on a day. */
export function upTo(purchases: Purchases, day: number): Purchases {
  const { memberIds, days, cents, hasSpend } = purchases
  const kept: number[] = []
  const starts: number[] = []
  const ids: string[] = []
  for (const [member, id] of memberIds.entries()) {
    const [from, to] = [purchases.starts[member]!, endAt(purchases, member, day)]
    if (to === from) continue
    ids.push(id)
    starts.push(kept.length)
    for (let i = from; i < to; i++) kept.push(i)
  }
  starts.push(kept.length)
  return {
    memberIds: ids,
    starts: Int32Array.from(starts),
    days: Int32Array.from(kept, (i) => days[i]!),
    cents: Float64Array.from(kept, (i) => cents[i]!),
    hasSpend: hasSpend && kept.some((i) => cents[i]! > 0),
  }
}

function lapseOf({ known, states, bought, scores, window }: Judged): Foretold {
  const asked = [...states.keys()].filter((i) => hasRepeat(states[i]!))
  const truths = asked.map((i) => bought[i] === 0)
  const ways: Way[] = [
    { name: 'milepost', isChance: true, of: (i) => scores.silent[i]! },
    { name: 'days silent', isChance: false, of: (i) => window.asOf - states[i]!.lastDay },
  ]
  for (const { model, historyOf } of modelsOf(known, window)) {
    const weeks = window.horizonDays / 7
    ways.push({ name: model.name, isChance: true, of: (i) => model.pSilent(historyOf(states[i]!), weeks) })
    if (!model.dropoutIdentified) continue
    const name = `${model.name}, 1 - P(alive)`
    ways.push({ name, isChance: true, of: (i) => 1 - (model.pAlive(historyOf(states[i]!)) ?? 1) })
  }
  return { truths, methods: foretoldBy(asked, ways) }
}

function declineOf({ known, states, bought, scores, window }: Judged): Foretold {
  const asked = [...states.keys()].filter((i) => hasRate(states[i]!, window))
  const most = (i: number) => mostInDecline(states[i]!, window)
  const truths = asked.map((i) => bought[i]! <= most(i))
  const ways: Way[] = [
    { name: 'milepost', isChance: true, of: (i) => scores.decline[i]! },
    { name: 'days silent', isChance: false, of: (i) => window.asOf - states[i]!.lastDay },
  ]
  for (const { model, historyOf } of modelsOf(known, window)) {
    const weeks = window.horizonDays / 7
    const of = (i: number) => model.pAtMost(historyOf(states[i]!), weeks, most(i))
    ways.push({ name: model.name, isChance: true, of })
  }
  return { truths, methods: foretoldBy(asked, ways) }
}

interface Way {
  readonly name: string
  readonly isChance: boolean
  of(member: number): number
}

function foretoldBy(asked: readonly number[], ways: readonly Way[]): Method[] {
  return ways.map(({ name, isChance, of }) => ({ name, isChance, scores: Float64Array.from(asked, of) }))
}

function targetOf(cuts: readonly Foretold[]): Target {
  const truths = cuts.flatMap((cut) => cut.truths)
  const inAll = (cuts[0]?.methods ?? []).filter(({ name }) =>
    cuts.every(({ methods }) => methods.some((method) => method.name === name)),
  )
  return {
    members: truths.length,
    rate: truths.length === 0 ? null : truths.filter(Boolean).length / truths.length,
    methods: inAll.map(({ name, isChance }) => {
      const scores = cuts.flatMap(({ methods }) => [
        ...methods.find((method) => method.name === name)!.scores,
      ])
      const outcomes = { scores, truths }
      return {
        name,
        auc: areaUnderCurve(outcomes),
        precisionTop: precisionAtTop(outcomes),
        calibration: isChance ? calibrationError(outcomes) : null,
        byChance: isChance ? calibrationByChance(outcomes) : null,
      }
    }),
  }
}

/** A quiet flag is wrong where a purchase came after all, one for buying less where half of the usual came. */
function raised({ states, bought, scores, window }: Judged, flag: RaisedFlag) {
  const flagged = [...states.keys()].filter((i) => scores.flags[i] === flag)
  const most = (i: number) => (flag === 'gone_quiet' ? 0 : mostInDecline(states[i]!, window))
  return { flagged: flagged.length, wrong: flagged.filter((i) => bought[i]! > most(i)).length }
}

function falseShare(cuts: readonly LookBack[], flag: RaisedFlag): FlagShare {
  const sum = (of: 'flagged' | 'wrong') => cuts.reduce((all, { flags }) => all + flags[flag][of], 0)
  return { flagged: sum('flagged'), falseShare: sum('flagged') === 0 ? null : sum('wrong') / sum('flagged') }
}
