/** A flag on a member who is found to be declining: as it is raised and cleared, and as it is kept. */
export type FlagKind = 'gone_quiet' | 'buying_less'

export interface RaiseFlagBody {
  readonly flag: FlagKind
  /** of the run of scores that raised it */
  readonly runId: string
  /** as of this day, YYYY-MM-DD */
  readonly day: string
  readonly horizonDays: number
  readonly pSilent: number
  readonly pDecline: number
  /** the flag is true if there are at most so many purchase days in the horizon */
  readonly most: number
}

export interface ClearFlagBody {
  readonly flagId: string
  readonly flag: FlagKind
  readonly day: string
}

export type FlagWrite =
  | { readonly kind: 'raised'; readonly flagId: string; readonly body: RaiseFlagBody }
  | { readonly kind: 'cleared'; readonly flagId: string; readonly body: ClearFlagBody }
