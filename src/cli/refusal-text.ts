/**
 * A refusal as the command line tells it: in the words of the API what was refused, and below it what to do. A
 * program reads `--json` instead, with the code and the details.
 */
import type { DomainError, ErrorCode } from '../base/errors.ts'
import type { Terminal } from './terminal.ts'

const hints: Partial<Record<ErrorCode, string>> = {
  program_not_found:
    '`milepost rules versions` lists what is published; `milepost rules publish <folder>` publishes',
  rules_version_not_found: '`milepost rules versions` lists them; 6 digits or more of a hash name one',
  rules_version_begun: '`milepost rules rollback --to VERSION` puts another version in force',
  rules_invalid:
    '`milepost rules check <folder>` and `milepost rules test <folder>` tell each error with its place',
  no_rules_in_force: 'publish the program for an earlier time: `milepost rules publish <folder> --at TIME`',
  member_not_found: 'name a member by mem_…, or by an identifier such as card:4711, with --program',
  transaction_not_found:
    'the reply to a sale holds its id, txn_ and 32 digits; `milepost members show` tells the latest',
  promotion_not_found: 'the rules declare them under `promotions`',
  experiment_not_found: 'the rules declare them under `campaigns`',
  segment_not_found: 'the rules declare them under `segments`, or under `members`',
  retention_not_declared: 'add a line `retention:` to the program, and publish it',
  simulation_running: 'wait until the other one is done',
  queue_full: 'try again in a moment',
  rules_unreadable: '`milepost doctor` tells each error, and how to publish the corrected files',
  database_unavailable: '`milepost doctor` says what is wrong',
}

/** What to do about it; undefined where the words say all there is. */
export function hintFor({ code, details }: DomainError): string | undefined {
  const { hint, candidates } = details
  if (Array.isArray(candidates))
    return `several begin so: ${candidates.map((one) => String(one).slice(0, 12)).join(', ')}`
  return typeof hint === 'string' ? hint : hints[code]
}

export function tellRefusal(refusal: DomainError, detail: string, terminal: Terminal): void {
  const hint = hintFor(refusal)
  terminal.note(`${terminal.noteStyle('red', 'refused')} ${detail}`)
  if (hint !== undefined) terminal.note(`  ${terminal.noteStyle('cyan', 'hint:')} ${hint}`)
}
