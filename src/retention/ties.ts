/**
 * What ties a member to the program beside the rhythm of purchases: channels, categories, points, contacts.
 * Part of the member's row, kept like it: counts are whole, an undone fact leaves the row as if it never was,
 * and where the row cannot know that, it says that it must be rebuilt.
 */

export interface Tie {
  /** purchases with it */
  readonly purchases: number
  /** the latest day with it, days since 1 January 1970 */
  readonly lastDay: number
}

export interface MemberTies {
  readonly channels: Readonly<Record<string, Tie>>
  readonly categories: Readonly<Record<string, Tie>>
  readonly pointsEarned: bigint
  readonly pointsRedeemed: bigint
  readonly lastRedeemedDay: number | null
  /** the latest sign of interest that is no purchase: a log-in, an opened message, a review */
  readonly lastEngagementDay: number | null
  readonly rebuild: boolean
}

export const NO_TIES: MemberTies = {
  channels: {},
  categories: {},
  pointsEarned: 0n,
  pointsRedeemed: 0n,
  lastRedeemedDay: null,
  lastEngagementDay: null,
  rebuild: false,
}

/** What one purchase says about ties; points that it earned may be added later by another one. */
export interface TiedPurchase {
  readonly day: number
  readonly channel?: string
  readonly categories?: readonly string[]
  readonly pointsEarned?: bigint
}

/** More names than these are counted together, so that no row grows without end. */
const MOST_NAMES = 24
const OTHER = 'other'

export function tie(ties: MemberTies, purchase: TiedPurchase): MemberTies {
  const { day, channel, categories = [], pointsEarned = 0n } = purchase
  return {
    ...ties,
    channels: channel === undefined ? ties.channels : counted(ties.channels, channel, day),
    categories: [...new Set(categories)].reduce((known, name) => counted(known, name, day), ties.categories),
    pointsEarned: ties.pointsEarned + pointsEarned,
  }
}

export function untie(ties: MemberTies, purchase: TiedPurchase): MemberTies {
  const { day, channel, categories = [], pointsEarned = 0n } = purchase
  let rebuild = ties.rebuild
  const take = (known: MemberTies['channels'], name: string) => {
    const left = discounted(known, name, day)
    if (left === null) rebuild = true
    return left ?? known
  }
  return {
    ...ties,
    channels: channel === undefined ? ties.channels : take(ties.channels, channel),
    categories: [...new Set(categories)].reduce(take, ties.categories),
    pointsEarned: ties.pointsEarned - pointsEarned,
    rebuild,
  }
}

export function redeem(ties: MemberTies, { day, points }: { day: number; points: bigint }): MemberTies {
  const lastRedeemedDay = Math.max(day, ties.lastRedeemedDay ?? day)
  return { ...ties, pointsRedeemed: ties.pointsRedeemed + points, lastRedeemedDay }
}

export function engage(ties: MemberTies, day: number): MemberTies {
  return { ...ties, lastEngagementDay: Math.max(day, ties.lastEngagementDay ?? day) }
}

function placeOf(known: MemberTies['channels'], name: string): string {
  return Object.hasOwn(known, name) || Object.keys(known).length < MOST_NAMES ? name : OTHER
}

function counted(known: MemberTies['channels'], name: string, day: number): MemberTies['channels'] {
  const place = placeOf(known, name)
  const before = Object.hasOwn(known, place) ? known[place]! : { purchases: 0, lastDay: day }
  return { ...known, [place]: { purchases: before.purchases + 1, lastDay: Math.max(day, before.lastDay) } }
}

/** Null where the day before cannot be known: it was the latest one of several. */
function discounted(known: MemberTies['channels'], name: string, day: number): MemberTies['channels'] | null {
  const place = Object.hasOwn(known, name) ? name : OTHER
  const before = Object.hasOwn(known, place) ? known[place]! : null
  if (before === null || place === OTHER) return null
  if (before.purchases === 1) {
    const { [place]: _gone, ...left } = known
    return left
  }
  return before.lastDay === day ? null : { ...known, [place]: { ...before, purchases: before.purchases - 1 } }
}
