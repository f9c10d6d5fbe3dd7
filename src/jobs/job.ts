/**
 * The jobs by name: what each looks after, and how often the service runs it. A second run finds nothing more to
 * do, so any of them may run at any time, and one that was cut short is gone on with by the next.
 */
import type { Sql } from '../db/connection.ts'
import type { Lane } from '../engine/lane.ts'
import type { PackedHistory, PassedOver } from '../simulate/pack-history.ts'
import type { Unkept } from '../simulate/packs.ts'

const sweeps = ['release-pending', 'expire', 'release-holds', 'assess'] as const
export type Sweep = (typeof sweeps)[number]

/** Jobs that tell what they did by counting it. */
const counting = ['segments', 'campaigns', 'experiments', 'purge-events'] as const
export type Counting = (typeof counting)[number]

/** What is learnt of a program as a whole, program by program. */
export const studies = ['products', 'values'] as const
export type Study = (typeof studies)[number]

export const jobNames = [
  ...sweeps,
  'celebrate',
  ...counting,
  ...studies,
  'partitions',
  'rebuild',
  'score',
  'pack',
] as const
export type JobName = (typeof jobNames)[number]

export interface Job {
  readonly name: JobName
  readonly about: string
  /** cron pattern, UTC */
  readonly schedule: string
}

/** The sweeps' minutes are apart, so that they do not all fall on the lane at once. */
export const jobs: readonly Job[] = [
  {
    name: 'release-pending',
    about: 'makes points usable whose waiting time is over, cancels those that nobody confirmed',
    schedule: '* * * * *',
  },
  {
    name: 'release-holds',
    about: 'lets go of redemptions that were not captured in time',
    schedule: '* * * * *',
  },
  { name: 'expire', about: 'takes away points that have lapsed', schedule: '1-59/5 * * * *' },
  { name: 'assess', about: 'decides tiers whose time has run out', schedule: '3-59/5 * * * *' },
  { name: 'celebrate', about: 'tells rules of birthdays and anniversaries', schedule: '7 * * * *' },
  {
    name: 'segments',
    about: 'enters members into the segments whose conditions they meet, and takes others out',
    schedule: '40 * * * *',
  },
  { name: 'campaigns', about: 'assigns members to campaigns and treats them', schedule: '50 * * * *' },
  {
    name: 'experiments',
    about: 'looks at campaigns as planned, rolls out what pays, stops what does not',
    schedule: '45 5 * * *',
  },
  { name: 'purge-events', about: 'takes away events older than they are kept', schedule: '20 3 * * *' },
  { name: 'products', about: 'finds which products are bought by the same members', schedule: '40 1 * * *' },
  { name: 'values', about: 'reckons where the ratings by value part', schedule: '50 1 * * *' },
  { name: 'partitions', about: 'makes the tables of the coming months', schedule: '30 2 * * *' },
  {
    name: 'rebuild',
    about: 'makes what is kept of members anew where facts came that it could not follow',
    schedule: '41 * * * *',
  },
  {
    name: 'score',
    about: 'says who is slipping away, in each program once a night, or a week, of its own zone',
    schedule: '17 * * * *',
  },
  {
    name: 'pack',
    about: 'packs what simulations read, so that the first one of the day is quick too',
    // After Europe has closed its day and been scored, before anybody asks.
    schedule: '25 4 * * *',
  },
]

export function isCounting(job: JobName): job is Counting {
  return counting.some((known) => known === job)
}

export function isJob(name: string): name is JobName {
  return jobNames.some((known) => known === name)
}

/** What one sweep did, summed over its members. */
export interface SweepTotals {
  members: number
  /** points that became usable */
  released: number
  /** points that lapsed */
  expired: number
  /** points that nobody confirmed in time */
  cancelled: number
  holdsReleased: number
  tierChanges: number
  /** members that could not be settled; the next sweep meets them again */
  failed: number
}

export type JobReport =
  | ({ readonly job: Sweep; readonly at: string; readonly ran: true; readonly seconds: number } & SweepTotals)
  | {
      readonly job: 'partitions'
      readonly at: string
      readonly ran: true
      readonly seconds: number
      readonly created: readonly string[]
    }
  | {
      readonly job: 'celebrate'
      readonly at: string
      readonly ran: true
      readonly seconds: number
      readonly birthdays: number
      readonly anniversaries: number
      readonly failed: number
    }
  | ({
      readonly job: 'rebuild'
      readonly at: string
      readonly ran: true
      readonly seconds: number
    } & RebuildTotals)
  | ({
      readonly job: 'score'
      readonly at: string
      readonly ran: true
      readonly seconds: number
    } & ScoreTotals)
  | ({ readonly job: 'pack'; readonly at: string; readonly ran: true; readonly seconds: number } & PackTotals)
  | {
      readonly job: Counting
      readonly at: string
      readonly ran: true
      readonly seconds: number
      /** how much of what, by name */
      readonly counts: Readonly<Record<string, number>>
      readonly failed: number
    }
  | {
      readonly job: Study
      readonly at: string
      readonly ran: true
      readonly seconds: number
      readonly studied: readonly { program: string; members: number; products?: number }[]
    }
  /** another process is at it */
  | { readonly job: JobName; readonly at: string; readonly ran: false; readonly reason: 'running_elsewhere' }

/** Rows of members that were made anew. */
export interface RebuildTotals {
  members: number
  /** rows of programs that keep none any more */
  dropped: number
  failed: number
}

export interface ScoredProgram {
  readonly program: string
  readonly asOf: string
  readonly members: number
  readonly flagged: Readonly<Record<'gone_quiet' | 'buying_less', number>>
  readonly raised: number
  readonly cleared: number
  /** null: there was nobody to learn from */
  readonly model: string | null
}

export interface ScoreTotals {
  members: number
  programs: ScoredProgram[]
  /** programs that were scored up to a later day before: an earlier one would undo that */
  leftAlone: { readonly program: string; readonly asOf: string }[]
  failed: number
}

export type PackedProgram = { readonly program: string } & (
  | PackedHistory
  | { readonly passedOver: PassedOver }
)

export interface PackTotals {
  programs: PackedProgram[]
  /** why nothing is kept here; null: it is */
  unkept: Unkept | null
}

export interface JobLog {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** What a job works with. */
export interface Deps {
  readonly sql: Sql
  readonly lane: Lane
  readonly log: JobLog
  /** days that events are kept */
  readonly eventDays?: number
  /** where simulations keep what they read */
  readonly dataFolder?: string
  now(): Date
}
