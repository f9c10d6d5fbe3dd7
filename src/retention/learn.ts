/**
 * Everything that a run of scores learns from the program as a whole, from purchases up to its day and no
 * further: the clock, the common rhythm, the classic model, and the judges of silence and decline.
 */
import type { PooledCadence } from './cadence.ts'
import { type Askable, mayFlag, missesOver } from './caution.ts'
import { compress, type History } from './cell.ts'
import { buildClock, type Clock, type Closure } from './clock.ts'
import { boughtBetween, type Cut, cutsOf, sampleOf, stateAt } from './cuts.ts'
import { columns, look, type ModelSays, type Sight, turnToDecline } from './features.ts'
import type { Flag } from './flag.ts'
import { type Judge, Lessons, teach, teachLine } from './judge.ts'
import { type FittedModel, fitModels } from './model.ts'
import { poolCadence } from './pooling.ts'
import type { Purchases } from './purchases.ts'
import { type FittedSpend, fitSpend } from './spend.ts'
import type { MemberState } from './state.ts'
import { honestly, type Tail, tailOf } from './surprise.ts'
import { hasRate, hasRepeat, mostInDecline, teachesRate, type Window } from './targets.ts'
import { type Said, voiceOf } from './voice.ts'

export interface Learnt {
  readonly window: Window
  readonly clock: Clock
  readonly pooled: PooledCadence
  readonly usualCents: number
  readonly model: FittedModel
  /** null where amounts are not known or all alike */
  readonly spend: FittedSpend | null
  readonly tail: Tail
  readonly silent: Judge
  readonly decline: Judge
  /** of members with one purchase: no second one in the horizon */
  readonly second: Judge
  /** purchases that came over those expected, at the newest cut */
  readonly volume: number
  /** false flags that would have been, over those foretold, at earlier cuts */
  readonly misses: Readonly<Record<Flag, number>>
  readonly cuts: readonly Cut[]
}

const MODEL_MEMBERS = 12_000
const POOL_MEMBERS = 3_000
const LESSONS = 40_000
const SILENT_PENALTY = 20
/** Fewer members have a rate to decline from, and they are noisier. */
const DECLINE_PENALTY = 400
const WEEK = 7
/** Share of a cut's horizon. */
const MOST_CLOSED = 0.1
/** A silence so surprising is near a flag. */
const RARE = 0.05

/** What is known beside purchases; each is empty where it is left out. */
export interface Known {
  readonly closed?: readonly Closure[]
  /** by member */
  readonly said?: ReadonlyMap<string, readonly Said[]>
}

export function learn(purchases: Purchases, window: Window, { closed = [], said }: Known = {}): Learnt {
  const { asOf, horizonDays } = window
  const clock = buildClock(purchases, asOf, closed)
  const now = sampleOf(purchases, MODEL_MEMBERS)
    .map((member) => stateAt(purchases, member, asOf))
    .filter((state) => state !== null)
  const every = Math.max(1, Math.ceil(now.length / POOL_MEMBERS))
  const some = now.filter((_, place) => place % every === 0)
  const pooled = poolCadence(some, { clock, asOf })
  const common = { clock, pooled, usualCents: usualOf(now), model: modelOf(now, clock, asOf) }
  const cuts = openCuts(cutsOf(clock.firstDay, asOf, horizonDays), clock)
  const members = sampleOf(purchases, Math.ceil(LESSONS / Math.max(1, cuts.length)))
  const tail = tailOf(now, common)
  const told = cuts.map((cut) => tell(purchases, { members, cut, common, tail, said }))
  const taught = {
    silent: teach(
      told.map(({ silent }) => silent.lessons),
      SILENT_PENALTY,
    ),
    decline: teach(
      told.map(({ decline }) => decline.lessons),
      DECLINE_PENALTY,
    ),
  }
  const misses = (what: 'silent' | 'decline') =>
    missesOver(
      told.map((each) => each[what]),
      taught[what],
    )
  return {
    window,
    ...common,
    ...taught,
    spend: fitSpend(spendersOf(some)),
    tail,
    second: teachLine(told.map(({ second }) => second)),
    volume: told[0] === undefined ? 1 : ratioOf(told[0]),
    misses: { gone_quiet: misses('silent'), buying_less: misses('decline') },
    cuts,
  }
}

/** A month of closed doors after a cut would teach that members leave: such cuts are left out where others are. */
function openCuts(cuts: readonly Cut[], clock: Clock): readonly Cut[] {
  const open = cuts.filter(
    ({ day, horizonDays }) => clock.closedBetween(day, day + horizonDays) <= MOST_CLOSED * horizonDays,
  )
  return open.length > 0 ? open : cuts
}

export function sightOf(
  learnt: Pick<Learnt, 'clock' | 'pooled' | 'usualCents' | 'model'>,
  window: Window,
): Sight {
  const { clock, pooled, usualCents, model } = learnt
  const horizon = Math.max(1, clock.ahead(window.asOf, window.horizonDays))
  const ask = (history: History, most: number) => askModel(model, { history, most, horizon })
  return { clock, pooled, usualCents, asOf: window.asOf, horizon, ask }
}

function askModel(
  model: FittedModel,
  { history, most, horizon }: { history: History; most: number; horizon: number },
): ModelSays {
  const weeks = horizon / WEEK
  // For a rhythm longer than the horizon the ratio dips while the next purchase comes due; never below the start.
  const atOnce = model.pSilent({ x: history.x, tx: history.tx, T: history.tx }, weeks)
  return {
    silent: Math.max(atOnce, model.pSilent(history, weeks)),
    decline: model.pAtMost(history, weeks, most),
    expected: model.expected(history, weeks),
    alive: model.pAlive(history),
  }
}

function usualOf(states: readonly MemberState[]): number {
  let [cents, days] = [0, 0]
  for (const state of states) {
    cents += state.cents
    days += state.days
  }
  return days > 0 ? cents / days : 0
}

function spendersOf(states: readonly MemberState[]) {
  return states.filter(({ cents }) => cents > 0).map(({ days, cents }) => ({ x: days, mean: cents / days }))
}

/** The classic models on the calendar, as they are usually run; for comparison. Times in weeks. */
export function modelsOf(
  purchases: Purchases,
  { asOf }: Window,
): { model: FittedModel; historyOf: (state: MemberState) => History }[] {
  const historyOf = (state: MemberState): History => ({
    x: state.days - 1,
    tx: (state.lastDay - state.firstDay) / WEEK,
    T: (asOf - state.firstDay) / WEEK,
  })
  const states = sampleOf(purchases, MODEL_MEMBERS).map((member) => stateAt(purchases, member, asOf))
  const { all } = fitModels(compress(states.filter((state) => state !== null).map(historyOf)))
  return all.map((model) => ({ model, historyOf }))
}

/** The best model by BIC that knows of leaving, on cells of whole weeks of the clock. */
function modelOf(states: readonly MemberState[], clock: Clock, asOf: number): FittedModel {
  const cells = compress(
    states.map((state) => {
      const first = clock.at(state.firstDay)
      const weeks = (day: number) => Math.round((clock.at(day) - first) / WEEK)
      return { x: state.days - 1, tx: weeks(state.lastDay), T: weeks(asOf) }
    }),
  )
  const { all, best } = fitModels(cells)
  return all.find(({ dropoutIdentified }) => dropoutIdentified) ?? best
}

interface Telling {
  readonly members: readonly number[]
  readonly cut: Cut
  readonly common: Pick<Learnt, 'clock' | 'pooled' | 'usualCents' | 'model'>
  readonly tail: Tail
  readonly said: Known['said']
}

interface Told {
  readonly silent: Askable & { readonly places: number[] }
  readonly decline: Askable & { readonly places: number[] }
  readonly second: Lessons
  expected: number
  bought: number
}

/** The members of one cut as they then were, and what they did after. */
function tell(purchases: Purchases, { members, cut, common, tail, said }: Telling): Told {
  const askable = () => ({ lessons: new Lessons(cut), places: [] })
  const told: Told = {
    silent: askable(),
    decline: askable(),
    second: new Lessons(cut),
    expected: 0,
    bought: 0,
  }
  const window = { asOf: cut.day, horizonDays: cut.horizonDays }
  const sight = sightOf(common, window)
  const into = new Float64Array(columns.length)
  for (const member of members) {
    const state = stateAt(purchases, member, cut.day)
    if (state === null) continue
    const most = mostInDecline(state, window)
    const own = said?.get(purchases.memberIds[member]!)
    const seen = look(state, sight, { into, most, voice: own ? voiceOf(own, cut.day) : null })
    const bought = boughtBetween(purchases, member, { from: cut.day, through: cut.day + cut.horizonDays })
    told.expected += seen.model.expected
    told.bought += bought
    const { lessons, places } = told.silent
    const isAskable = mayFlag(state, seen, sight)
    if (isAskable && honestly(seen.logSurvival, tail) <= RARE) places.push(lessons.labels.length)
    const lesson = hasRepeat(state) ? lessons : told.second
    lesson.add(into, bought === 0)
    if (!teachesRate(state, window)) continue
    turnToDecline(into, seen)
    if (isAskable && hasRate(state, window)) told.decline.places.push(told.decline.lessons.labels.length)
    told.decline.lessons.add(into, bought <= most)
  }
  return told
}

const LEAST_VOLUME = 0.4
const MOST_VOLUME = 2.5

function ratioOf({ expected, bought }: Told): number {
  const ratio = (bought + 10) / (expected + 10)
  return Number.isFinite(ratio) ? Math.min(MOST_VOLUME, Math.max(LEAST_VOLUME, ratio)) : 1
}
