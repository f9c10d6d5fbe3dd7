/**
 * The clocks of points that lapse by inactivity, in the course of a command: which facts start them anew, who
 * is exempt, and what a fact of the past changes about lapses that have been. The time of an exemption counts
 * as activity, so that the clock starts anew when the exemption ends.
 */
import { birthMonthFor, type IdlePolicy, idleLapse } from '../base/expiry.ts'
import { Decimal } from '../base/points.ts'
import { addDays, type Day, dayOf } from '../base/time.ts'
import { type Account, emptyAccount } from '../ledger/account.ts'
import { accountOf } from '../ledger/book.ts'
import type { Entry } from '../ledger/entry.ts'
import { firstLapseAfter, idleLapses, lapseLate, putBackSome, undoLapses } from '../ledger/idle.ts'
import { keyOfLot } from '../ledger/lot.ts'
import type { Currency } from '../program/program.ts'
import { announce, count, type Deciding, record, standingsOf } from './deciding.ts'

interface IdleCurrency extends Currency {
  readonly expiry: IdlePolicy
}

/** A fact that may be an activity. */
export interface Fact {
  readonly occurredAt: Date
  /** `earn`, `redeem`, `adjustment`: in the currencies of `of`; a type of transaction: in all */
  readonly kind: 'earn' | 'redeem' | 'adjustment'
  readonly type?: string
  readonly of: ReadonlySet<string>
  /** the lots that points came into, with how many, by currency */
  readonly given?: ReadonlyMap<string, readonly Given[]>
}

export interface Given {
  readonly lotId: string
  readonly points: bigint
}

/** Brings every clock to the present and takes a fact into account, after its points were posted. */
export function noteFact(deciding: Deciding, fact: Fact): void {
  const currencies = idleCurrencies(deciding)
  if (currencies.length === 0) return
  keepClocks(deciding)
  for (const currency of currencies) noteOn(deciding, currency, fact)
}

function noteOn(deciding: Deciding, currency: IdleCurrency, fact: Fact): void {
  const { state, program, command } = deciding
  const day = dayOf(program.timeZone, fact.occurredAt)
  const { activeOn } = state.book.accounts.get(currency.id) ?? emptyAccount(currency.id)
  const lapseOf = (each: Day) => lapseFrom(deciding, currency, each)
  const days = [...daysOf(deciding, currency), ...(activeOn === null ? [] : [activeOn])]
  const given = fact.given?.get(currency.id)
  // Points that come in while no clock runs start it, whatever else counts as activity.
  const runs = days.some((each) => each <= day && lapseOf(each) > fact.occurredAt)
  const isActivity = countsAs(currency, fact) || (given !== undefined && !runs)
  if (isActivity) {
    count(deciding, [{ counter: activityCounter(currency.id), day, value: new Decimal(1) }])
    if (activeOn === null || day > activeOn) startClock(deciding, currency, day)
  }

  // Nothing of the past changes where the fact is the latest, and nothing had lapsed meanwhile.
  if (activeOn === null || (day >= activeOn && lapseOf(activeOn) > command.at)) return
  const by = { lapseOf, zone: program.timeZone, at: command.at }
  const before = idleLapses(days, by)
  const after = isActivity ? idleLapses([...days, day], by) : before
  const { nextId } = deciding
  const entries = undoLapses(state.book, { currency: currency.id, before, after, nextId })
  const lapse = firstLapseAfter(after, fact.occurredAt)
  for (const one of lapse ? (given ?? []) : []) {
    if (lapse && keyOfLot(one.lotId).idle)
      entries.push(...lapseLate(state.book, { ...one, at: lapse, nextId }))
  }
  record(deciding, ...entries)
  const back = entries
    .filter(({ kind }) => kind === 'reinstate')
    .flatMap(({ postings }) => postings.filter(({ from }) => from === 'expired'))
    .reduce((sum, { points }) => sum + points, 0n)
  if (back > 0n) announce(deciding, 'points.reinstated', { currency: currency.id, points: Number(back) })
}

/**
 * Says for every account when its points lapse by inactivity. An exemption that has just ended ended at
 * `endedAt`; without it, now.
 */
export function keepClocks(deciding: Deciding, endedAt: Date = deciding.command.at): void {
  const { book } = deciding.state
  const idle = idleCurrencies(deciding)
  for (const account of book.accounts.values()) {
    const { activeOn, lapsesAt } = account
    const currency = idle.find(({ id }) => id === account.currency)
    if (!currency || activeOn === null) {
      // The rules no longer let these points lapse by inactivity, or there never were any.
      if (lapsesAt !== null) set(deciding, account, { lapsesAt: null })
    } else if (isExempt(deciding, currency)) {
      keepAlive(deciding, currency, exemptUntil(deciding))
      set(deciding, account, { lapsesAt: null })
    } else {
      // Without an instant of lapsing, a clock that had begun was stopped: by an exemption, or by other rules.
      if (lapsesAt === null) endExemption(deciding, currency, endedAt)
      set(deciding, account, { lapsesAt: lapseFrom(deciding, currency, account.activeOn ?? activeOn) })
    }
  }
}

/** How many points came into which lots, by currency. */
export function givenBy(postings: Entry['postings']): Map<string, Given[]> {
  const given = new Map<string, Given[]>()
  for (const { currency, lotId, points } of postings)
    if (lotId !== null) given.set(currency, [...(given.get(currency) ?? []), { lotId, points }])
  return given
}

/** Points that came from another member start the clock where none runs; they are no activity of the member's. */
export function startIdleClock(deciding: Deciding, { occurredAt, postings }: Entry): void {
  noteFact(deciding, { kind: 'adjustment', occurredAt, of: new Set(), given: givenBy(postings) })
}

/**
 * The activity of two who are one counts for both: at a merge, and for what happened until it is taken back. Being
 * merged is none itself; but if an exemption had stopped either clock, and nobody is exempt now, it ends here.
 */
export function joinClocks(deciding: Deciding, other: Deciding): void {
  for (const { currency, activeOn, lapsesAt } of other.state.book.accounts.values()) {
    if (activeOn === null) continue
    const account = accountOf(deciding.state.book, currency)
    const isLater = account.activeOn === null || account.activeOn < activeOn
    const runs = account.activeOn === null || account.lapsesAt !== null
    set(deciding, account, {
      activeOn: isLater ? activeOn : account.activeOn,
      lapsesAt: runs ? lapsesAt : null,
    })
  }
  const known = new Set(deciding.state.counters.map(({ counter, day }) => `${counter} ${day}`))
  const days = other.state.counters.filter(({ counter, day }) => {
    return counter.startsWith(ACTIVE) && !known.has(`${counter} ${day}`)
  })
  if (days.length > 0)
    count(
      deciding,
      days.map((row) => ({ ...row, value: new Decimal(1) })),
    )
  keepClocks(deciding)
}

/** Puts back what a return is about to take, where it lapsed by inactivity since it was earned. */
export function putBackLapsed(
  deciding: Deciding,
  of: { lotId: string; points: bigint; earnedAt: Date; at: Date },
): void {
  const { currency: id, idle } = keyOfLot(of.lotId)
  const currency = idleCurrencies(deciding).find((each) => each.id === id)
  if (!idle || !currency) return
  const { book } = deciding.state
  const { activeOn } = book.accounts.get(id) ?? emptyAccount(id)
  const lapses = idleLapses([...daysOf(deciding, currency), ...(activeOn === null ? [] : [activeOn])], {
    lapseOf: (day) => lapseFrom(deciding, currency, day),
    zone: deciding.program.timeZone,
    at: of.at,
  })
  const lapse = firstLapseAfter(lapses, of.earnedAt)
  if (lapse === null) return
  const { lotId, points } = of
  record(deciding, ...putBackSome(book, { lotId, points, at: lapse, nextId: deciding.nextId }))
}

function endExemption(deciding: Deciding, currency: IdleCurrency, endedAt: Date): void {
  keepAlive(deciding, currency, endedAt)
  markDay(deciding, currency, dayOf(deciding.program.timeZone, endedAt))
}

/** Days of activity just before each lapse until an instant, so that none of them comes to be. */
function keepAlive(deciding: Deciding, currency: IdleCurrency, until: Date): void {
  const { timeZone } = deciding.program
  const account = accountOf(deciding.state.book, currency.id)
  while (account.activeOn !== null) {
    const lapse = lapseFrom(deciding, currency, account.activeOn)
    const day = addDays(dayOf(timeZone, lapse), -1)
    if (lapse > until || day <= account.activeOn) return
    markDay(deciding, currency, day)
  }
}

function markDay(deciding: Deciding, currency: IdleCurrency, day: Day): void {
  const account = accountOf(deciding.state.book, currency.id)
  if (account.activeOn !== null && day <= account.activeOn) return
  count(deciding, [{ counter: activityCounter(currency.id), day, value: new Decimal(1) }])
  set(deciding, account, { activeOn: day })
}

// Up to the end of a tier that has come and has not been decided about: what follows may be another tier.
function exemptUntil(deciding: Deciding): Date {
  const ends = [...standingsOf(deciding).values()].flatMap(({ until }) => until ?? [])
  return ends.reduce((first, end) => (end < first ? end : first), deciding.command.at)
}

function isExempt(deciding: Deciding, { exempt }: Currency): boolean {
  if (!exempt) return false
  const { member } = deciding.state
  const tiers = new Map(
    deciding.program.ladders.map((ladder) => {
      const tier = standingsOf(deciding).get(ladder.id)!.tier
      return [ladder.id, { tier, rank: ladder.tiers.find(({ id }) => id === tier)?.rank ?? 0 }]
    }),
  )
  return exempt({ enrolledAt: member.enrolledAt, attributes: member.attributes, tiers })
}

function countsAs({ id, expiry: { activity } }: IdleCurrency, fact: Fact): boolean {
  if (fact.type !== undefined && activity.includes(fact.type)) return true
  return activity.includes(fact.kind) && fact.of.has(id)
}

/** Whether any points of the program lapse by inactivity: without them there is nothing to note. */
export function hasClocks({ program }: Deciding): boolean {
  for (const { expiry } of program.currencies.values()) if (expiry.kind === 'idle') return true
  return false
}

function idleCurrencies({ program }: Deciding): IdleCurrency[] {
  return [...program.currencies.values()].filter(
    (currency): currency is IdleCurrency => currency.expiry.kind === 'idle',
  )
}

function lapseFrom(deciding: Deciding, { expiry }: IdleCurrency, day: Day): Date {
  const birthMonth = birthMonthFor(expiry, deciding.state.member)
  return idleLapse(expiry, deciding.program.timeZone, { day, birthMonth })
}

const ACTIVE = 'active:'

function activityCounter(currency: string): string {
  return `${ACTIVE}${currency}`
}

function daysOf({ state }: Deciding, currency: Currency): Day[] {
  const name = activityCounter(currency.id)
  return state.counters.filter(({ counter }) => counter === name).map(({ day }) => day)
}

function startClock(deciding: Deciding, currency: IdleCurrency, day: Day): void {
  const lapsesAt = isExempt(deciding, currency) ? null : lapseFrom(deciding, currency, day)
  set(deciding, accountOf(deciding.state.book, currency.id), { activeOn: day, lapsesAt })
}

function set(
  { state }: Deciding,
  account: Account,
  clock: Partial<Pick<Account, 'activeOn' | 'lapsesAt'>>,
): void {
  const before = `${account.activeOn} ${account.lapsesAt?.getTime()}`
  Object.assign(account, clock)
  const after = `${account.activeOn} ${account.lapsesAt?.getTime()}`
  if (before !== after) state.book.touchedAccounts.add(account.currency)
}
