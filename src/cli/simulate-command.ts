/** `milepost rules simulate`: recorded history under other rules, as a table, as JSON, as a picture. */
import { writeFile } from 'node:fs/promises'
import { createPrograms, type Programs } from '../engine/programs.ts'
import { runSimulation } from '../simulate/candidate.ts'
import { pictureOf } from '../simulate/picture.ts'
import { isSame, type SimulationResult } from '../simulate/result.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { faultText, readOneSource, type Source } from './rule-files.ts'
import { count, table } from './terminal.ts'
import { programNamed } from './versions-commands.ts'

export const rulesSimulate: CliCommand = {
  operands: ['[folder]'],
  about: [
    'Replays everything that the members did, with returns and redemptions, as if the folder’s rules had ' +
      'been in force from --since (from the beginning without it) up to --until. Nothing is written. Without ' +
      'a folder the rules as recorded are replayed, which gives what the ledger has.',
    'Counted are the transactions of that time; what members have is of now, their tiers are of the end of that ' +
      'time. --sample takes that share of the members, always the same ones, and all figures are theirs.',
    'What is read is kept in the data folder, for nobody else to read, until nobody asked for it in two days, so ' +
      'that asking again is much faster: of whoever has not changed since, nothing is read again. The job `pack` ' +
      'does this reading every night.',
    'Points are worth what their currency’s value says. Who gains and who loses is by the points of the ' +
      'counted transactions. Exit code 0, whatever comes of it.',
  ],
  options: {
    program: { about: 'the program; the folder’s, or the only one, without it', value: 'PROGRAM' },
    since: { about: 'from this instant', value: 'TIME' },
    until: { about: 'before this instant', value: 'TIME' },
    sample: { about: 'this share of the members, such as 10%', value: 'N%' },
    by: {
      about: 'group members by this attribute, or by segment, instead of their tier',
      value: 'ATTRIBUTE',
    },
    workers: { about: 'threads; as many as there are processors without it', value: 'N' },
    svg: { about: 'draw a picture into this file', value: 'FILE' },
    json: { about: 'the result as JSON' },
  },
  examples: [
    'milepost rules simulate rules/gift-shop --since 2026-01-01T00:00:00Z',
    'milepost rules simulate draft --program gift-shop --sample 10% --svg simulation.svg',
    'milepost rules simulate draft --since 2026-01-01T00:00:00Z --until 2026-04-01T00:00:00Z --by city --json',
  ],
  async run(call) {
    const { words, terminal, closing } = call
    const asked = readAsked(call)
    const folder = words.operands[0]
    const source = folder === undefined ? null : await readOneSource(folder)
    if (source && source.errors.length > 0) return tellErrors(call, source)

    const { sql, config } = await openMigrated(call)
    const programs = await createPrograms(sql)
    const program = programOf(call, programs, source)
    const progress = terminal.progress('members')
    const result = await runSimulation(sql, programs, {
      ...{ ...asked, program, files: source?.files ?? null, now: call.now() },
      keptIn: config.dataFolder,
      signal: closing.signal,
      onProgress: progress.update,
    }).finally(progress.stop)

    const file = words.text('svg')
    if (file !== undefined) {
      await writeFile(file, pictureOf(result))
      terminal.note(`the picture is in ${file}`)
    }
    if (words.flag('json')) terminal.json(result)
    else terminal.print(inWords(result))
    return 0
  },
}

function programOf(call: Call, programs: Programs, source: Source | null): string {
  if (call.words.text('program') === undefined && source?.program) return source.program.id
  return programNamed(call, programs)
}

function readAsked({ words }: Call) {
  const since = words.instant('since') ?? null
  const until = words.instant('until') ?? null
  if (since && until && since >= until) throw new UsageError('--since is before --until')
  const workers = words.text('workers')
  if (workers !== undefined && !/^([1-9]|[1-5]\d|6[0-4])$/.test(workers))
    throw new UsageError(`--workers is a number from 1 to 64, not "${workers}"`)
  return {
    ...{ since, until, percent: percentIn(words.text('sample')), by: words.text('by') ?? null },
    ...(workers !== undefined && { workers: Number(workers) }),
  }
}

function percentIn(text: string | undefined): number {
  if (text === undefined) return 100
  const percent = /^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? Number(text.replace('%', '')) : 0
  if (percent > 0 && percent <= 100) return percent
  throw new UsageError(`--sample is a share of the members such as 10% or 0.5%, not "${text}"`)
}

function tellErrors({ words, terminal }: Call, source: Source): number {
  const look = terminal.noteStyle
  for (const fault of source.errors) terminal.note(faultText(fault, source, { label: 'error', look }))
  if (words.flag('json'))
    terminal.json({
      error: { code: 'rules_invalid', detail: 'nothing was simulated' },
      errors: source.errors,
    })
  terminal.note('nothing was simulated')
  return 1
}

function inWords(result: SimulationResult): string {
  const { money } = result
  const parts = [
    headOf(result),
    section('points by rule', ['recorded', 'simulated', 'difference', `in ${money}`], rulesIn(result)),
    section('what members have', ['recorded', 'simulated', 'difference', `in ${money}`], owedIn(result)),
    section('members by tier', ['recorded', 'simulated', 'difference'], tiersIn(result)),
    section(`members by ${result.groupedBy}`, ['members', 'gain', 'lose', 'points'], groupsIn(result)),
    section('gain most', ['recorded', 'simulated', 'worth'], moversIn(result.winners)),
    section('lose most', ['recorded', 'simulated', 'worth'], moversIn(result.losers)),
    section(
      'refused under these rules',
      ['times'],
      result.refused.map(({ command, code, count: times }) => [`${command}: ${code}`, number(times)]),
    ),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** As many of each side as a screen bears; the JSON names more. */
const MOST_SHOWN = 5

function headOf(result: SimulationResult): string {
  const { program, version, since, until, sample, liability, money } = result
  const rules = version === null ? 'under the rules as recorded' : `under ${version.slice(0, 12)}`
  const from = since === null ? '' : ` from ${since}`
  const to = until === null ? '' : ` before ${until}`
  const share = sample === 100 ? '' : `, ${sample} % of the members`
  const lines = [
    `${program} ${rules}${from}${to}${share}`,
    `${count(result.transactions, 'transaction')} with ${count(result.returns, 'return')} of ` +
      `${count(result.members, 'member')}, ${result.spend} ${money} spent`,
  ]
  if (result.leftOut > 0)
    lines.push(`${count(result.leftOut, 'member')} left out: closed, merged, or sharing points with others`)
  if (result.unrecordedEvents.length > 0)
    lines.push(
      `left out, because no rule had asked for it: what is given on ${result.unrecordedEvents.join(', ')}`,
    )
  if (isSame(result)) return [...lines, 'everything comes out as recorded'].join('\n')
  lines.push(
    `${count(result.better, 'member')} gain, ${number(result.worse)} lose; ` +
      `owed ${liability.after} ${money} instead of ${liability.before} (${signed(liability.difference)})`,
  )
  return lines.join('\n')
}

function section(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : table(alignRight([[title, ...heads], ...rows]))
}

/** Figures stand under one another: every column but the first is flush right. */
function alignRight(rows: readonly (readonly string[])[]): string[][] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell : cell.padStart(widths[column] ?? 0))),
  )
}

function rulesIn({ rules }: SimulationResult): string[][] {
  return rules.map(({ rule, currency, before, after, difference }) => [
    `  ${rule}, ${currency}`,
    ...[number(before.points), number(after.points), signed(number(difference.points))],
    signed(difference.value ?? '-'),
  ])
}

function owedIn({ currencies }: SimulationResult): string[][] {
  return currencies.map(({ currency, before, after, difference }) => [
    `  ${currency}`,
    ...[number(before.points), number(after.points), signed(number(difference.points))],
    signed(difference.value ?? '-'),
  ])
}

function tiersIn({ tiers, moves }: SimulationResult): string[][] {
  const several = new Set(tiers.map(({ ladder }) => ladder)).size > 1
  const name = (ladder: string, tier: string) => (several ? `${tier} (${ladder})` : tier)
  return [
    ...tiers.map(({ ladder, tier, before, after }) => [
      `  ${name(ladder, tier)}`,
      ...[number(before), number(after), signed(number(after - before))],
    ]),
    ...moves.map(({ ladder, from, to, members }) => [
      `  from ${name(ladder, from)} to ${name(ladder, to)}`,
      ...['', '', number(members)],
    ]),
  ]
}

function groupsIn({ groups }: SimulationResult): string[][] {
  return groups.map(({ group, members, better, worse, points }) => [
    `  ${group}`,
    ...[number(members), number(better), number(worse)],
    points.map(({ currency, before, after }) => `${signed(number(after - before))} ${currency}`).join(', '),
  ])
}

function moversIn(movers: SimulationResult['winners']): string[][] {
  return movers
    .slice(0, MOST_SHOWN)
    .map(({ memberId, points, worth }) => [
      `  ${memberId}`,
      points.map(({ before, currency }) => `${number(before)} ${currency}`).join(', '),
      points.map(({ after, currency }) => `${number(after)} ${currency}`).join(', '),
      signed(worth),
    ])
}

function number(value: number): string {
  return value.toLocaleString('en')
}

function signed(text: string): string {
  return /^[1-9]|^0[.,]\d*[1-9]/.test(text) ? `+${text}` : text
}
