/**
 * The program's own clock: a week in which active members buy less than usual passes slowly, a closed week
 * does not pass at all. Gaps and silences are measured on it, so that a slack season makes nobody look gone.
 * It is built from purchases up to its last day only, and it never runs backwards.
 */
import type { Purchases } from './purchases.ts'
import { type Weeks, yearlySeason } from './season.ts'

export interface Clock {
  readonly firstDay: number
  readonly lastDay: number
  /** the reading at the end of a day, in days of usual trade; past the last day as `ahead` foresees */
  at(day: number): number
  /** how far it will run in so many days after `from`, foreseen from the season of the year before alone */
  ahead(from: number, days: number): number
  /** days after `from`, up to and with `through`, on which nobody bought although many should have */
  closedBetween(from: number, through: number): number
  /** a week's reading relative to a usual one, by the weeks since the first day; for reports */
  readonly weeks: readonly number[]
  /** all of it as plain data; `clockOf` makes it run again */
  readonly record: ClockRecord
}

export interface ClockRecord {
  readonly firstDay: number
  readonly lastDay: number
  /** one for each week from the first day on; empty: every day counts alike */
  readonly pace: Float64Array
  /** 1 for each day on which the shop was closed */
  readonly closed: Uint8Array
  /** closures that were declared, also ones that are still to come */
  readonly declared: readonly Closure[]
}

const WEEK = 7
const YEAR = 364
/** A member counts as active for half a year after each purchase. */
const ACTIVE_FOR = 182
/** Deviations are from a level smoothed over a quarter of the past: a season shows when a year is known. */
const SMOOTH_SHARE = 0.25
const NARROWEST = 10
const WIDEST = 26
/** Weeks to each side that are looked at together, so that a slow season is more than chance. */
const TOGETHER = 2
/** A closure is at least so many days without a sale, where chance would do that once in ten thousand. */
const CLOSURE_DAYS = 3
const CLOSURE_EXPECTED = 9.21
const MOST_CLOSED = 0.2
/** Shops that close for so long at most do so every year. */
const HOLIDAY_DAYS = 24
/** Weeks are unlike others only beyond chance and by more than a twentieth; else the clock would tremble. */
const SIGNIFICANT = 3
const NOTABLE = 0.05
const SLOWEST = 0.1
const FASTEST = 4

/** Days on which nobody could buy, both ends included, as days since 1 January 1970. */
export interface Closure {
  readonly from: number
  readonly through: number
}

function isIn(closures: readonly Closure[], day: number): boolean {
  return closures.some(({ from, through }) => from <= day && day <= through)
}

/** Closures show by themselves; those that are declared count too, also ones that are still to come. */
export function buildClock(purchases: Purchases, lastDay: number, declared: readonly Closure[] = []): Clock {
  const { days } = purchases
  if (days.length === 0) return steadyClock(lastDay, lastDay)
  let firstDay = lastDay
  for (const day of days) if (day < firstDay) firstDay = day
  const length = lastDay - firstDay + 1
  const trade = tradeByDay(purchases, firstDay, length)
  const rough = closures(trade.all, levelOf(trade, null))
  const yearly = yearlySeason(weeksOf(trade, rough))
  const season = seasonOf(paceOf(trade, levelOf(trade, { season: yearly, closed: rough }), rough), yearly)
  const level = levelOf(trade, { season, closed: rough })
  const closed = closures(trade.all, level)
  if (declared.length > 0)
    for (let day = 0; day < length; day++)
      if (trade.all[day] === 0 && isIn(declared, firstDay + day)) closed[day] = 1
  // A shop that seems closed most of the time has a rhythm of its own, or too few days to tell.
  if (closed.reduce((sum, day) => sum + day, 0) > MOST_CLOSED * length) return steadyClock(firstDay, lastDay)
  const pace = paceOf(trade, level, closed)
  return clockOf({ firstDay, lastDay, pace, closed, declared })
}

function steadyClock(firstDay: number, lastDay: number): Clock {
  return {
    firstDay,
    lastDay,
    at: (day) => day - firstDay,
    ahead: (_from, days) => days,
    closedBetween: () => 0,
    weeks: [],
    record: { firstDay, lastDay, pace: new Float64Array(), closed: new Uint8Array(), declared: [] },
  }
}

interface Trade {
  /** purchase days of anybody, and those that are not a member's first */
  readonly all: Float64Array
  readonly repeats: Float64Array
  /** members who bought in the half year before the day */
  readonly active: Float64Array
  /** their days since the first purchase, summed */
  readonly ages: Float64Array
}

function tradeByDay({ starts, days }: Purchases, firstDay: number, length: number): Trade {
  const all = new Float64Array(length)
  const repeats = new Float64Array(length)
  const changes = new Float64Array(length + 1)
  const births = new Float64Array(length + 1)
  for (let member = 0; member + 1 < starts.length; member++) {
    let until = -1
    const birth = days[starts[member]!]! - firstDay
    for (let i = starts[member]!; i < starts[member + 1]!; i++) {
      const day = days[i]! - firstDay
      all[day]!++
      if (i > starts[member]!) repeats[day]!++
      // Active from the day after a purchase on; overlapping stretches count once.
      const from = Math.max(day + 1, until)
      until = day + 1 + ACTIVE_FOR
      changes[Math.min(from, length)]!++
      changes[Math.min(until, length)]!--
      births[Math.min(from, length)]! += birth
      births[Math.min(until, length)]! -= birth
    }
  }
  const active = new Float64Array(length)
  const ages = new Float64Array(length)
  let [now, born] = [0, 0]
  for (let day = 0; day < length; day++) {
    now += changes[day]!
    born += births[day]!
    active[day] = now
    ages[day] = now * day - born
  }
  return { all, repeats, active, ages }
}

/**
 * What each week was a year before, or will have been a year after: taken out before the level is smoothed,
 * the newest weeks of a slack season do not look like the level itself.
 */
function seasonOf(pace: Float64Array, yearly: Float64Array): Float64Array {
  const year = YEAR / WEEK
  return pace.map((_, week) => pace[week - year] ?? pace[week + year] ?? yearly[week]!)
}

/** Closed days count for nothing: neither that nobody bought nor that many could have. */
function weeksOf({ repeats, active, ages }: Trade, closed?: Uint8Array): Weeks {
  const weeks = Math.ceil(repeats.length / WEEK)
  const [bought, exposed, age] = [new Float64Array(weeks), new Float64Array(weeks), new Float64Array(weeks)]
  for (let day = 0; day < repeats.length; day++) {
    if (closed?.[day]) continue
    const week = Math.floor(day / WEEK)
    bought[week]! += repeats[day]!
    exposed[week]! += active[day]!
    age[week]! += ages[day]!
  }
  for (let week = 0; week < weeks; week++) age[week]! /= Math.max(1, exposed[week]!)
  return { bought, exposed, age }
}

/** Expected repeat purchases of each day: active members times their smoothed rate, by kernel. */
function levelOf(trade: Trade, without: { season: Float64Array; closed: Uint8Array } | null): Float64Array {
  const { active } = trade
  const { length } = active
  const { bought, exposed } = weeksOf(trade, without?.closed)
  const weeks = bought.length
  if (without !== null) for (let week = 0; week < weeks; week++) bought[week]! /= without.season[week]!
  const width = Math.min(WIDEST, Math.max(NARROWEST, SMOOTH_SHARE * weeks))
  const level = new Float64Array(length)
  for (let week = 0; week < weeks; week++) {
    const rate = localRate(bought, exposed, { week, width })
    for (let day = week * WEEK; day < Math.min(length, (week + 1) * WEEK); day++) {
      level[day] = rate * active[day]!
    }
  }
  return level
}

/** Purchases per active member around a week, as a straight line through the neighbours; at least zero. */
function localRate(
  bought: Float64Array,
  exposed: Float64Array,
  { week, width }: { week: number; width: number },
): number {
  let [w, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0]
  const reach = Math.ceil(3 * width)
  for (let other = Math.max(0, week - reach); other < Math.min(bought.length, week + reach + 1); other++) {
    const exposure = exposed[other]!
    if (exposure <= 0) continue
    const x = (other - week) / width
    const kernel = Math.exp(-0.5 * x * x) * exposure
    const y = bought[other]! / exposure
    w += kernel
    wx += kernel * x
    wxx += kernel * x * x
    wy += kernel * y
    wxy += kernel * x * y
  }
  if (w <= 0) return 0
  const mean = wy / w
  const spread = w * wxx - wx * wx
  const line = spread > 1e-9 * w * w ? (wxx * wy - wx * wxy) / spread : mean
  // At the ends a line runs away; it may not leave the neighbourhood of the mean.
  return Math.min(Math.max(line, mean / 3), mean * 3)
}

function closures(all: Float64Array, level: Float64Array): Uint8Array {
  const closed = new Uint8Array(all.length)
  for (let from = 0; from < all.length; ) {
    if (all[from]! > 0) {
      from++
      continue
    }
    let to = from
    let expected = 0
    while (to < all.length && all[to] === 0) expected += level[to++]!
    if (to - from >= CLOSURE_DAYS && expected >= CLOSURE_EXPECTED) closed.fill(1, from, to)
    from = to
  }
  return closed
}

/** Each week's trade over its level, drawn to 1 by as much as chance explains (gamma-Poisson). */
function paceOf({ repeats }: Trade, level: Float64Array, closed: Uint8Array): Float64Array {
  const weeks = Math.ceil(level.length / WEEK)
  const seen = new Float64Array(weeks)
  const expected = new Float64Array(weeks)
  for (let day = 0; day < level.length; day++) {
    if (closed[day]) continue
    const week = Math.floor(day / WEEK)
    seen[week]! += repeats[day]!
    expected[week]! += level[day]!
  }
  let [excess, scale] = [0, 0]
  for (let week = 0; week < weeks; week++) {
    excess += (seen[week]! - expected[week]!) ** 2 - expected[week]!
    scale += expected[week]! ** 2
  }
  const spread = scale > 0 ? Math.max(0, excess / scale) : 0
  const pace = new Float64Array(weeks).fill(1)
  if (spread === 0) return pace
  for (let week = 0; week < weeks; week++) {
    let [near, usual] = [0, 0]
    for (let other = Math.max(0, week - TOGETHER); other < Math.min(weeks, week + TOGETHER + 1); other++) {
      near += seen[other]!
      usual += expected[other]!
    }
    const season = unlike(near, usual) ? (near + 1 / spread) / (usual + 1 / spread) : 1
    const own = season * expected[week]!
    const ratio = unlike(seen[week]!, own)
      ? (seen[week]! + 1 / spread) / (expected[week]! + 1 / spread)
      : season
    pace[week] = Math.min(FASTEST, Math.max(SLOWEST, ratio))
  }
  return pace
}

function unlike(seen: number, expected: number): boolean {
  const chance = SIGNIFICANT * Math.sqrt(expected)
  return Math.abs(seen - expected) > Math.max(chance, NOTABLE * expected)
}

export function clockOf(record: ClockRecord): Clock {
  const { firstDay, lastDay, pace, closed, declared } = record
  if (pace.length === 0) return steadyClock(firstDay, lastDay)
  const length = lastDay - firstDay + 1
  const readings = new Float64Array(length)
  let reading = 0
  for (let day = 0; day < length; day++) {
    reading += closed[day] ? 0 : pace[Math.floor(day / WEEK)]!
    readings[day] = reading
  }
  const foreseen = foreseenOf(record)
  // A day ahead passes as its day a year before did, where there was one; else as usual.
  const closedUpTo = new Int32Array(length + 1)
  for (let day = 0; day < length; day++) closedUpTo[day + 1] = closedUpTo[day]! + closed[day]!
  const usual = [0]
  const usualTo = (day: number): number => {
    while (usual.length <= day) {
      const before = usual.length - YEAR
      const known = before > 0 ? (before < length ? foreseen[before]! : null) : 1
      const passes = usual.length < length || !isIn(declared, firstDay + usual.length)
      usual.push(usual.at(-1)! + (passes ? (known ?? usual[before]! - usual[before - 1]!) : 0))
    }
    return usual[day]!
  }
  const ahead = (from: number, count: number): number => {
    const start = Math.max(0, from - firstDay)
    return usualTo(start + count) - usualTo(start)
  }
  return {
    firstDay,
    lastDay,
    closedBetween(from, through) {
      const [start, end] = [Math.max(0, from + 1 - firstDay), Math.min(length, through + 1 - firstDay)]
      return start < end ? closedUpTo[end]! - closedUpTo[start]! : 0
    },
    weeks: [...pace],
    record,
    ahead,
    at(day) {
      if (day < firstDay) return day - firstDay
      return day <= lastDay ? readings[day - firstDay]! : reading + ahead(lastDay, day - lastDay)
    },
  }
}

/** How each day will pass when its year comes round. A long closure was an accident, unless it came twice. */
function foreseenOf({ pace, closed }: ClockRecord): Float64Array {
  const foreseen = Float64Array.from(closed, (_, day) => pace[Math.floor(day / WEEK)]!)
  for (let from = 0; from < closed.length; from++) {
    if (!closed[from]) continue
    let to = from
    let before = 0
    while (to < closed.length && closed[to]) before += closed[to++ - YEAR] ?? 0
    const recurs = to - from <= HOLIDAY_DAYS || before > (to - from) / 2
    foreseen.fill(recurs ? 0 : 1, from, to)
    from = to
  }
  return foreseen
}
