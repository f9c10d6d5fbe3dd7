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
    flags: { gone_quiet: falseShare(judged, 'gone_quiet'), buying_less: falseShare(judged, 'buying_less') },
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

function lapseOf({ known, states, bought, scores, window }: Judged): Target {
  const asked = [...states.keys()].filter((i) => hasRepeat(states[i]!))
  const truths = asked.map((i) => bought[i] === 0)
  const methods: Method[] = [
    { name: 'milepost', isChance: true, of: (i) => scores.silent[i]! },
    { name: 'days silent', isChance: false, of: (i) => window.asOf - states[i]!.lastDay },
  ]
  for (const { model, historyOf } of modelsOf(known, window)) {
    const weeks = window.horizonDays / 7
    methods.push({ name: model.name, isChance: true, of: (i) => model.pSilent(historyOf(states[i]!), weeks) })
    if (!model.dropoutIdentified) continue
    const name = `${model.name}, 1 - P(alive)`
    methods.push({ name, isChance: true, of: (i) => 1 - (model.pAlive(historyOf(states[i]!)) ?? 1) })
  }
  return targetOf({ asked, truths, methods })
}

function declineOf({ known, states, bought, scores, window }: Judged): Target {
  const asked = [...states.keys()].filter((i) => hasRate(states[i]!, window))
  const most = (i: number) => mostInDecline(states[i]!, window)
  const truths = asked.map((i) => bought[i]! <= most(i))
  const methods: Method[] = [
    { name: 'milepost', isChance: true, of: (i) => scores.decline[i]! },
    { name: 'days silent', isChance: false, of: (i) => window.asOf - states[i]!.lastDay },
  ]
  for (const { model, historyOf } of modelsOf(known, window)) {
    const weeks = window.horizonDays / 7
    const of = (i: number) => model.pAtMost(historyOf(states[i]!), weeks, most(i))
    methods.push({ name: model.name, isChance: true, of })
  }
  return targetOf({ asked, truths, methods })
}

interface Method {
  readonly name: string
  readonly isChance: boolean
  of(member: number): number
}

function targetOf({
  asked,
  truths,
  methods,
}: {
  asked: readonly number[]
  truths: readonly boolean[]
  methods: readonly Method[]
}): Target {
  return {
    members: asked.length,
    rate: asked.length === 0 ? null : truths.filter(Boolean).length / asked.length,
    methods: methods.map(({ name, isChance, of }) => {
      const outcomes = { scores: Float64Array.from(asked, of), truths }
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

/** A quiet flag is false where a purchase came after all, one for buying less where half of the usual came. */
function falseShare(
  { states, bought, scores, window }: Judged,
  flag: 'gone_quiet' | 'buying_less',
): FlagShare {
  const flagged = [...states.keys()].filter((i) => scores.flags[i] === flag)
  const wrong = flagged.filter(
    (i) => bought[i]! > (flag === 'gone_quiet' ? 0 : mostInDecline(states[i]!, window)),
  )
  return { flagged: flagged.length, falseShare: flagged.length === 0 ? null : wrong.length / flagged.length }
}
