/**
 * One run of scores over a program's members: reads their rows page by page, learns from the program's own
 * past, scores everybody and writes the scores. Which flags are to be raised and cleared is handed back, since
 * that happens to members and goes through the lane. Nothing after the day is looked at.
 */
import { dayNumbered } from '../base/time.ts'
import type { Sql } from '../db/connection.ts'
import { startCrew } from './crew.ts'
import { boughtBetween, sampleOf } from './cuts.ts'
import type { Flag } from './flag.ts'
import { pointsOf } from './kept.ts'
import { type Learnt, learn, sightOf } from './learn.ts'
import { rfmBounds } from './profile.ts'
import {
  type MovedPoints,
  type OpenFlag,
  type Outcome,
  openFlags,
  pointsSince,
  type RunContext,
  removeOlder,
  statePages,
  tiesBetween,
  writeOutcomes,
  writeScores,
} from './queries-scores.ts'
import { readSaid } from './queries-voice.ts'
import { createScorer, type Scores } from './score.ts'
import { type RowMaker, rememberingLifetimes, type ScoreRow, scoreRow } from './score-row.ts'
import { createStateTable, putState } from './state-table.ts'
import { StateCollector, type States } from './states.ts'
import { mostInDecline } from './targets.ts'
import type { MemberTies } from './ties.ts'
import type { Uplifts } from './uplift.ts'
import { type Said, type Voice, voiceOf } from './voice.ts'

export interface ScoreTerms extends RunContext {
  readonly horizonDays: number
  /** accepted share of false flags */
  readonly accepted: number
  readonly margin: number
  /** what acting on each flag is expected to change */
  readonly uplifts: Uplifts
  readonly closed: readonly { readonly from: number; readonly through: number }[]
  readonly timeZone: string
  /** the first instant after the day, in the program's zone */
  readonly until: Date
  /** currencies whose points can be spent */
  readonly redeemable: readonly string[]
}

export interface Raise {
  readonly memberId: string
  readonly flag: Flag
  readonly silent: number
  readonly decline: number
  readonly most: number
}

export interface Clear {
  readonly memberId: string
  readonly flagId: string
  readonly flag: Flag
}

export interface Found {
  readonly members: number
  readonly flagged: Readonly<Record<Flag, number>>
  readonly raise: readonly Raise[]
  readonly clear: readonly Clear[]
  readonly model: string | null
  readonly fit: object | null
}

export interface Progress {
  readonly what: 'reading' | 'scoring' | 'writing'
  readonly done: number
  readonly of: number | null
}

const PAGE = 1_000
const RFM_MEMBERS = 50_000
const NOBODY: Found = {
  members: 0,
  flagged: { gone_quiet: 0, buying_less: 0 },
  raise: [],
  clear: [],
  model: null,
  fit: null,
}

export async function scoreMembers(
  sql: Sql,
  terms: ScoreTerms,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Found> {
  const states = await readStates(sql, terms, onProgress)
  const standing = await openFlags(sql, terms.program)
  await writeOutcomes(sql, outcomesOf(states, standing, terms.asOf))
  const open = new Map(standing.filter(({ isCleared }) => !isCleared).map((flag) => [flag.memberId, flag]))
  if (states.count === 0) {
    await removeOlder(sql, terms)
    return { ...NOBODY, clear: [...open.values()].map(clearing) }
  }
  const { asOf, horizonDays } = terms
  const said = await readSaid(sql, terms)
  const learnt = learn(states.purchases, { asOf, horizonDays }, { closed: terms.closed, said })
  const voices = voicesOf(states, said, asOf)
  const scores = await scoresOf({ terms, states, open, onProgress }, { learnt, voices })
  const sample = sampleOf(states.purchases, RFM_MEMBERS).map((place) => states.state(place))
  const maker: RowMaker = {
    learnt,
    scores,
    sight: sightOf(learnt, learnt.window),
    scorer: createScorer(learnt, states.count),
    bounds: rfmBounds(sample),
    margin: terms.margin,
    uplifts: terms.uplifts,
    lifetimePurchases: rememberingLifetimes(learnt, states.count),
  }
  await writeAll(sql, { terms, states, maker, open, voices, onProgress })
  await removeOlder(sql, terms)
  return foundOf(states, maker, open)
}

async function readStates(
  sql: Sql,
  { program, asOf }: ScoreTerms,
  onProgress: (progress: Progress) => void,
): Promise<States> {
  const collector = new StateCollector(asOf)
  let done = 0
  for await (const page of statePages(sql, program)) {
    for (const row of page) collector.add(row)
    done += page.length
    onProgress({ what: 'reading', done, of: null })
  }
  return collector.finish()
}

function voicesOf(
  { purchases }: States,
  said: ReadonlyMap<string, readonly Said[]>,
  asOf: number,
): Map<number, Voice> {
  const voices = new Map<number, Voice>()
  if (said.size === 0) return voices
  for (const [place, memberId] of purchases.memberIds.entries()) {
    const own = said.get(memberId)
    if (own) voices.set(place, voiceOf(own, asOf))
  }
  return voices
}

interface Running {
  readonly terms: ScoreTerms
  readonly states: States
  readonly open: ReadonlyMap<string, OpenFlag>
  onProgress(progress: Progress): void
}

/** By as many threads as are worth it, as the door for files does. */
async function scoresOf(
  { terms, states, open, onProgress }: Running,
  { learnt, voices }: { learnt: Learnt; voices: ReadonlyMap<number, Voice> },
): Promise<Scores> {
  const { memberIds } = states.purchases
  const table = createStateTable(states.count)
  for (let place = 0; place < states.count; place++) putState(table, place, states.state(place))
  const crew = startCrew({ source: { kind: 'states', table }, learnt, voices })
  try {
    return await crew.score({
      accepted: terms.accepted,
      before: (place) => open.get(memberIds[place]!)?.kind ?? null,
      onProgress: (done) => onProgress({ what: 'scoring', done, of: states.count }),
    })
  } finally {
    await crew.end()
  }
}

interface Writing extends Running {
  readonly maker: RowMaker
  readonly voices: ReadonlyMap<number, Voice>
}

async function writeAll(
  sql: Sql,
  { terms, states, maker, open, voices, onProgress }: Writing,
): Promise<void> {
  const { memberIds } = states.purchases
  // While a page is written, the next one is made.
  let written: Promise<void> = Promise.resolve()
  for (let from = 0; from < states.count; from += PAGE) {
    const to = Math.min(states.count, from + PAGE)
    const stretch = { program: terms.program, from: memberIds[from]!, through: memberIds[to - 1]! }
    const [ties, moved] = await Promise.all([
      tiesBetween(sql, stretch),
      pointsSince(sql, memberIds.slice(from, to), terms.until),
    ])
    const rows: ScoreRow[] = []
    for (let place = from; place < to; place++) {
      const memberId = memberIds[place]!
      rows.push(
        scoreRow(maker, place, {
          memberId,
          state: states.state(place),
          ties: tiesUpTo(ties.get(memberId) ?? null, { terms, moved: moved.get(memberId) ?? [] }),
          voice: voices.get(place) ?? null,
          openFlag: open.get(memberId) ?? null,
        }),
      )
    }
    await written
    onProgress({ what: 'writing', done: from, of: states.count })
    written = writeScores(sql, terms, rows)
    // Whoever waits for it hears of a failure; until then it is nobody's.
    written.catch(() => {})
  }
  await written
}

/** Ties that know of a later day are not looked at: what they were before it cannot be told. */
function tiesUpTo(
  ties: MemberTies | null,
  { terms, moved }: { terms: Pick<ScoreTerms, 'asOf' | 'redeemable'>; moved: readonly MovedPoints[] },
): MemberTies | null {
  if (ties === null) return null
  const days = [ties.lastRedeemedDay ?? 0, ties.lastEngagementDay ?? 0]
  for (const known of [ties.channels, ties.categories])
    for (const { lastDay } of Object.values(known)) days.push(lastDay)
  if (days.some((day) => day > terms.asOf)) return null
  if (moved.length === 0) return ties
  const later = pointsOf(moved, (currency) => terms.redeemable.includes(currency))
  return {
    ...ties,
    pointsEarned: ties.pointsEarned - later.earned,
    pointsRedeemed: ties.pointsRedeemed - later.redeemed,
  }
}

function clearing({ memberId, flagId, kind }: OpenFlag): Clear {
  return { memberId, flagId, flag: kind }
}

function foundOf(states: States, { scores, learnt }: RowMaker, open: ReadonlyMap<string, OpenFlag>): Found {
  const flagged = { gone_quiet: 0, buying_less: 0 }
  const raise: Raise[] = []
  const gone = new Map(open)
  for (const [place, memberId] of states.purchases.memberIds.entries()) {
    const flag = scores.flags[place] ?? null
    if (flag === null) continue
    flagged[flag] += 1
    if (open.get(memberId)?.kind === flag) {
      gone.delete(memberId)
      continue
    }
    const most = flag === 'gone_quiet' ? 0 : mostInDecline(states.state(place), learnt.window)
    raise.push({ memberId, flag, silent: scores.silent[place]!, decline: scores.decline[place]!, most })
  }
  const clear = [...gone.values()].map(clearing)
  return { members: states.count, flagged, raise, clear, model: learnt.model.name, fit: fitOf(learnt) }
}

function fitOf({ model, spend, cuts, silent, decline, second, volume, usualCents }: Learnt): object {
  const lines = { silent, decline, second }
  return {
    parameters: model.parameters,
    spend: spend?.parameters ?? null,
    usualCents,
    volume,
    cuts: cuts.map(({ day, horizonDays }) => ({ day: dayNumbered(day), horizonDays })),
    judges: Object.fromEntries(
      Object.entries(lines).map(([name, { slope, intercept, learnt }]) => [
        name,
        { slope, intercept, learnt: learnt !== null },
      ]),
    ),
  }
}

/** A flag is false as soon as more was bought than it allows, and true once its horizon is over. */
function outcomesOf(
  { purchases }: Pick<States, 'purchases'>,
  flags: readonly OpenFlag[],
  asOf: number,
): Outcome[] {
  const undecided = flags.filter(({ isDecided }) => !isDecided)
  if (undecided.length === 0) return []
  const places = new Map(purchases.memberIds.map((id, place) => [id, place]))
  return undecided.flatMap(({ memberId, flagId, raisedOn, horizonDays, most }): Outcome[] => {
    const place = places.get(memberId)
    // Somebody who left, or gave everything back, did not fall silent.
    if (place === undefined) return []
    const through = Math.min(asOf, raisedOn + horizonDays)
    const bought = boughtBetween(purchases, place, { from: raisedOn, through })
    if (bought > most) return [{ memberId, flagId, outcome: 'false', on: asOf }]
    return raisedOn + horizonDays <= asOf ? [{ memberId, flagId, outcome: 'true', on: asOf }] : []
  })
}
