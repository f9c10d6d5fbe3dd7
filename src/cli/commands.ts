/** Every command, in the order in which the help shows them. */

import { ledgerBreakage } from './breakage-command.ts'
import type { CliCommand } from './command-line.ts'
import { rulesDiff } from './diff-command.ts'
import { doctorCommand } from './doctor.ts'
import { eventsCommand } from './events-command.ts'
import { rulesExplain } from './explain-command.ts'
import { ledgerDeferral, ledgerLiability, ledgerTotals } from './finance-commands.ts'
import { importTillFeed } from './import-command.ts'
import { jobsList, jobsRun } from './jobs-commands.ts'
import { keysCreate, keysList, keysRevoke } from './keys-commands.ts'
import { ledgerVerify } from './ledger-command.ts'
import {
  membersClose,
  membersErase,
  membersExport,
  membersMerge,
  membersReopen,
  membersUnmerge,
} from './member-life-commands.ts'
import { membersShow } from './members-command.ts'
import { migrateCommand } from './migrate-command.ts'
import { openapiCommand } from './openapi-command.ts'
import { retentionBacktest } from './retention-backtest-command.ts'
import { retentionCluster, retentionExperiments, retentionSegments } from './retention-campaign-commands.ts'
import {
  retentionMember,
  retentionRebuild,
  retentionSummary,
  retentionWorklist,
} from './retention-commands.ts'
import { retentionHoldout } from './retention-holdout-command.ts'
import { retentionProducts } from './retention-products-command.ts'
import { retentionScore } from './retention-score-command.ts'
import { retentionSimulate } from './retention-simulate-command.ts'
import { retentionView } from './retention-view-command.ts'
import { rulesCheck, rulesPublish, rulesSchema, rulesTest } from './rules-commands.ts'
import { serveCommand } from './serve.ts'
import { rulesSimulate } from './simulate-command.ts'
import { rulesRollback, rulesVersions, rulesWithdraw } from './versions-commands.ts'

export const commands: readonly CliCommand[] = [
  serveCommand,
  migrateCommand,
  rulesCheck,
  rulesTest,
  rulesDiff,
  rulesSimulate,
  rulesPublish,
  rulesVersions,
  rulesWithdraw,
  rulesRollback,
  rulesExplain,
  rulesSchema,
  keysCreate,
  keysList,
  keysRevoke,
  membersShow,
  membersMerge,
  membersUnmerge,
  membersClose,
  membersReopen,
  membersErase,
  membersExport,
  importTillFeed,
  eventsCommand,
  retentionScore,
  retentionWorklist,
  retentionMember,
  retentionSummary,
  retentionRebuild,
  retentionBacktest,
  retentionSimulate,
  retentionSegments,
  retentionCluster,
  retentionExperiments,
  retentionHoldout,
  retentionProducts,
  retentionView,
  ledgerVerify,
  ledgerLiability,
  ledgerDeferral,
  ledgerBreakage,
  ledgerTotals,
  jobsRun,
  jobsList,
  doctorCommand,
  openapiCommand,
]

/** The first words of those with two. */
export const groups: readonly string[] = [
  ...new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0]!)),
]
