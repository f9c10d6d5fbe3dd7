/**
 * Every command, in the order in which the help shows them. A command's code is loaded when it is called: all of it
 * together takes longer to load than most commands take to run.
 */
import type { CliCommand } from './command-line.ts'

/** What the help shows of a command, and where the rest of it is. */
export interface ListedCommand {
  /** one or two words: `serve`, `rules check` */
  readonly name: string
  readonly summary: string
  load(): Promise<CliCommand>
}

export const commands: readonly ListedCommand[] = [
  {
    name: 'serve',
    summary: 'runs the service: HTTP, jobs, the engine',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  {
    name: 'migrate',
    summary: 'brings the database up to date',
    load: async () => (await import('./migrate-command.ts')).migrateCommand,
  },
  {
    name: 'rules check',
    summary: 'tells everything that is wrong with rule files',
    load: async () => (await import('./rules-commands.ts')).rulesCheck,
  },
  {
    name: 'rules test',
    summary: 'runs the examples beside rule files',
    load: async () => (await import('./rules-commands.ts')).rulesTest,
  },
  {
    name: 'rules diff',
    summary: 'what changed between two versions, in words',
    load: async () => (await import('./diff-command.ts')).rulesDiff,
  },
  {
    name: 'rules simulate',
    summary: 'what recorded transactions would have given under other rules',
    load: async () => (await import('./simulate-command.ts')).rulesSimulate,
  },
  {
    name: 'rules publish',
    summary: 'checks, tests and stores a version of a program',
    load: async () => (await import('./rules-commands.ts')).rulesPublish,
  },
  {
    name: 'rules versions',
    summary: 'who published which version of a program, when and why',
    load: async () => (await import('./versions-commands.ts')).rulesVersions,
  },
  {
    name: 'rules withdraw',
    summary: 'takes back a version that is still to come',
    load: async () => (await import('./versions-commands.ts')).rulesWithdraw,
  },
  {
    name: 'rules rollback',
    summary: 'publishes an old version again',
    load: async () => (await import('./versions-commands.ts')).rulesRollback,
  },
  {
    name: 'rules explain',
    summary: 'why a transaction gave what it gave, rule by rule',
    load: async () => (await import('./explain-command.ts')).rulesExplain,
  },
  {
    name: 'rules schema',
    summary: 'the JSON Schema of rule files, for editors',
    load: async () => (await import('./rules-commands.ts')).rulesSchema,
  },
  {
    name: 'keys create',
    summary: 'makes an API key',
    load: async () => (await import('./keys-commands.ts')).keysCreate,
  },
  {
    name: 'keys list',
    summary: 'the API keys, without their texts',
    load: async () => (await import('./keys-commands.ts')).keysList,
  },
  {
    name: 'keys revoke',
    summary: 'makes an API key useless, within seconds',
    load: async () => (await import('./keys-commands.ts')).keysRevoke,
  },
  {
    name: 'members show',
    summary: 'one member: identifiers, balances, lots, tiers, latest entries',
    load: async () => (await import('./members-command.ts')).membersShow,
  },
  {
    name: 'members merge',
    summary: 'merges a duplicate into a member',
    load: async () => (await import('./member-life-commands.ts')).membersMerge,
  },
  {
    name: 'members unmerge',
    summary: 'takes a merge back',
    load: async () => (await import('./member-life-commands.ts')).membersUnmerge,
  },
  {
    name: 'members close',
    summary: 'closes a membership',
    load: async () => (await import('./member-life-commands.ts')).membersClose,
  },
  {
    name: 'members reopen',
    summary: 'opens a closed membership again',
    load: async () => (await import('./member-life-commands.ts')).membersReopen,
  },
  {
    name: 'members erase',
    summary: 'erases what is personal of a member, for good',
    load: async () => (await import('./member-life-commands.ts')).membersErase,
  },
  {
    name: 'members export',
    summary: 'all that is known of a member, as one JSON document',
    load: async () => (await import('./member-life-commands.ts')).membersExport,
  },
  {
    name: 'import till-feed',
    summary: 'posts a till’s invoice lines as sales and returns',
    load: async () => (await import('./import-command.ts')).importTillFeed,
  },
  {
    name: 'events',
    summary: 'what happened, in order, as a table or as JSON lines',
    load: async () => (await import('./events-command.ts')).eventsCommand,
  },
  {
    name: 'retention score',
    summary: 'scores who is slipping away: the members of a program, or a file of purchases',
    load: async () => (await import('./retention-score-command.ts')).retentionScore,
  },
  {
    name: 'retention worklist',
    summary: 'members who are slipping away, most worth a call first',
    load: async () => (await import('./retention-commands.ts')).retentionWorklist,
  },
  {
    name: 'retention member',
    summary: 'where one member stands, and why',
    load: async () => (await import('./retention-commands.ts')).retentionMember,
  },
  {
    name: 'retention summary',
    summary: 'how many members are in which state, and what is at stake',
    load: async () => (await import('./retention-commands.ts')).retentionSummary,
  },
  {
    name: 'retention rebuild',
    summary: 'makes what is kept of members anew from their transactions',
    load: async () => (await import('./retention-commands.ts')).retentionRebuild,
  },
  {
    name: 'retention backtest',
    summary: 'scores a past day and compares with what came after',
    load: async () => (await import('./retention-backtest-command.ts')).retentionBacktest,
  },
  {
    name: 'retention simulate',
    summary: 'how soon known changes are found in a made-up program',
    load: async () => (await import('./retention-simulate-command.ts')).retentionSimulate,
  },
  {
    name: 'retention segments',
    summary: 'segments, their sizes, and who is in two',
    load: async () => (await import('./retention-campaign-commands.ts')).retentionSegments,
  },
  {
    name: 'retention cluster',
    summary: 'proposes groups of members that are alike, as YAML to paste',
    load: async () => (await import('./retention-campaign-commands.ts')).retentionCluster,
  },
  {
    name: 'retention roll-out',
    summary: 'ends a campaign’s test: everybody gets this arm',
    load: async () => (await import('./retention-decide-commands.ts')).retentionRollOut,
  },
  {
    name: 'retention stop',
    summary: 'ends a campaign: nobody is treated any more',
    load: async () => (await import('./retention-decide-commands.ts')).retentionStop,
  },
  {
    name: 'retention experiments',
    summary: 'campaigns, and whether they help',
    load: async () => (await import('./retention-campaign-commands.ts')).retentionExperiments,
  },
  {
    name: 'retention holdout',
    summary: 'whether all campaigns together help, against the standing holdout',
    load: async () => (await import('./retention-holdout-command.ts')).retentionHoldout,
  },
  {
    name: 'retention products',
    summary: 'offers products as of a past day and compares with what was bought after',
    load: async () => (await import('./retention-products-command.ts')).retentionProducts,
  },
  {
    name: 'retention view',
    summary: 'one of seven views of the members, as a table, JSON or a picture',
    load: async () => (await import('./retention-view-command.ts')).retentionView,
  },
  {
    name: 'ledger verify',
    summary: 'recomputes every balance and finds what does not add up',
    load: async () => (await import('./ledger-command.ts')).ledgerVerify,
  },
  {
    name: 'ledger liability',
    summary: 'points owed by currency, funder and month of lapse, and what they are worth',
    load: async () => (await import('./finance-commands.ts')).ledgerLiability,
  },
  {
    name: 'ledger deferral',
    summary: 'deferred revenue for points by period (IFRS 15)',
    load: async () => (await import('./finance-commands.ts')).ledgerDeferral,
  },
  {
    name: 'ledger breakage',
    summary: 'estimates how many points are never redeemed, declares a rate, or lists both',
    load: async () => (await import('./breakage-command.ts')).ledgerBreakage,
  },
  {
    name: 'ledger totals',
    summary: 'what was issued, redeemed and lapsed, sales and members, by business day',
    load: async () => (await import('./finance-commands.ts')).ledgerTotals,
  },
  {
    name: 'jobs run',
    summary: 'runs one job now',
    load: async () => (await import('./jobs-commands.ts')).jobsRun,
  },
  {
    name: 'jobs list',
    summary: 'the jobs, their times, and when each last ran',
    load: async () => (await import('./jobs-commands.ts')).jobsList,
  },
  {
    name: 'doctor',
    summary: 'says whether this installation is healthy',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    name: 'openapi',
    summary: 'writes the OpenAPI document',
    load: async () => (await import('./openapi-command.ts')).openapiCommand,
  },
]

/** The first words of those with two. */
export const groups: readonly string[] = [
  ...new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0]!)),
]
