/**
 * `milepost retention …` over the service's own members: score a program, its worklist, one member, the summary,
 * and making rows anew. What is printed is what is stored.
 */
import { readId } from '../base/ids.ts'
import { didYouMean } from '../base/nearest.ts'
import { createPrograms, type Programs, readableAt } from '../engine/programs.ts'
import { runJob } from '../jobs/run.ts'
import { flags } from '../retention/flag.ts'
import { phases } from '../retention/phase.ts'
import { cell } from '../retention/score-line.ts'
import type { ExpectedUplift } from '../retention/uplift.ts'
import { readMember, readSummary, readWorklist, type Terms, type WireScore } from '../retention/worklist.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { openEngine, openMigrated } from './installation.ts'
import { inRetentionWords, isWhole, logOf } from './jobs-commands.ts'
import { dayOf } from './purchases-file.ts'
import { count, table } from './terminal.ts'

const programOption = { about: 'the program; needed where more than one keeps members', value: 'PROGRAM' }
const MOST_CAPACITY = 1_000_000
const PAGE = 200

/** The program that is named, or the only one with a retention section. */
function termsIn(call: Call, programs: Programs): Terms {
  const at = call.now()
  const wanted = call.words.text('program')
  const known = programs.ids().filter((id) => readableAt(programs, id, at)?.retention)
  if (wanted !== undefined && !programs.ids().includes(wanted)) {
    throw new UsageError(`no program "${wanted}" is published`, didYouMean(wanted, programs.ids()))
  }
  if (wanted !== undefined && !known.includes(wanted))
    throw new UsageError(
      `${wanted} has no retention section`,
      'add retention.yaml, one line `retention:` is enough',
    )
  const id = wanted ?? (known.length === 1 ? known[0] : undefined)
  if (id === undefined) {
    const there = known.length > 0 ? `there are ${known.join(', ')}` : 'no program has a retention section'
    throw new UsageError(`option --program is missing: ${there}`)
  }
  const { retention, money, segments } = programs.at(id, at)
  return { program: id, retention: retention!, money, segments, at }
}

async function openTerms(call: Call) {
  const { sql } = await openMigrated(call)
  return { sql, terms: termsIn(call, await createPrograms(sql)) }
}

/** `retention score --program`: like the job, for one program and any day from the last one on. */
export async function scoreProgram(call: Call): Promise<number> {
  for (const name of ['transactions', 'out', 'horizon'] as const) {
    if (call.words.text(name) !== undefined)
      throw new UsageError(
        `option --${name} is for a file; a program has its own members and its own horizon`,
      )
  }
  const text = call.words.text('as-of')
  const asOf = text === undefined ? undefined : dayOf(text)
  if (asOf === null) throw new UsageError(`option --as-of is a day such as 2026-03-31, not "${text}"`)
  const engine = await openEngine(call)
  const { program } = termsIn(call, engine.programs)
  return runRetention(call, { engine, job: 'score', only: { program, asOf } })
}

export const retentionRebuild: CliCommand = {
  about: [
    'What is kept of a member follows every fact as it is posted; where it cannot, the member is marked, and the job ' +
      '`rebuild` makes the row anew. This does so now; cut short, it goes on where it ended.',
  ],
  options: {
    program: { about: 'this program alone; else each', value: 'PROGRAM' },
    all: { about: 'every member, marked or not' },
    json: { about: 'what it did, as JSON' },
  },
  examples: ['milepost retention rebuild', 'milepost retention rebuild --program gift-shop --all'],
  async run(call) {
    const engine = await openEngine(call)
    const program =
      call.words.text('program') === undefined ? undefined : termsIn(call, engine.programs).program
    return runRetention(call, { engine, job: 'rebuild', only: { program, all: call.words.flag('all') } })
  },
}

async function runRetention(
  call: Call,
  {
    engine,
    job,
    only,
  }: {
    engine: Awaited<ReturnType<typeof openEngine>>
    job: 'score' | 'rebuild'
    only: { program?: string | undefined; asOf?: number | undefined; all?: boolean }
  },
): Promise<number> {
  const { sql, lane } = engine
  const progress = call.terminal.progress(job === 'score' ? 'scoring' : 'rebuilding')
  const onProgress = ({ done, of }: { done: number; of: number | null }) => progress.update(done, of ?? done)
  const deps = { sql, lane, now: call.now, log: logOf(call) }
  const run = { job, at: call.now(), signal: call.closing.signal, only: { ...only, onProgress } }
  const report = await runJob(deps, run).finally(progress.stop)
  if (call.words.flag('json')) call.terminal.json(report)
  else if (!report.ran) call.terminal.print(`${job}: running elsewhere, nothing done`)
  else if (report.job === 'score' || report.job === 'rebuild') call.terminal.print(inRetentionWords(report))
  return isWhole(report) ? 0 : 1
}

export const retentionWorklist: CliCommand = {
  about: [
    'In the order of P(decline) × profit at stake × expected uplift. --capacity cuts the list to as many as can be ' +
      'called; without it, to what the program declares. Beside it stand what experiments say of treating such members, ' +
      'and what share of past flags turned out false.',
    'state is where a member stands today. A flag foretells the horizon, set so that about one in ten is false: gone_quiet ' +
      'no purchase at all, buying_less fewer than half of the usual ones, be it that the member is silent today.',
  ],
  options: {
    program: programOption,
    state: { about: `only members who are ${phases.join(', ')}`, value: 'STATE' },
    segment: { about: 'only members in this segment', value: 'SEGMENT' },
    capacity: { about: 'so many at most', value: 'N' },
    csv: { about: 'as CSV' },
    json: { about: 'as JSON' },
  },
  examples: [
    'milepost retention worklist --program gift-shop --capacity 20',
    'milepost retention worklist --state slowing --csv > calls.csv',
  ],
  async run(call) {
    const state = call.words.text('state') ?? null
    if (state !== null && !phases.some((known) => known === state))
      throw new UsageError(`there is no state "${state}"`, didYouMean(state, phases))
    const capacity = capacityIn(call)
    const { sql, terms } = await openTerms(call)
    const segment = call.words.text('segment') ?? null
    if (segment !== null && !terms.segments.includes(segment))
      throw new UsageError(
        `${terms.program} has no segment "${segment}"`,
        didYouMean(segment, terms.segments) ?? `there are ${terms.segments.join(', ') || 'none'}`,
      )
    const asked = { state, segment, capacity, limit: PAGE }
    const first = await readWorklist(sql, terms, { ...asked, cursor: null })
    const items = [...first.items]
    for (let cursor = first.nextCursor; cursor !== null; ) {
      const page = await readWorklist(sql, terms, { ...asked, cursor })
      items.push(...page.items)
      cursor = page.nextCursor
    }
    const whole = { ...first, items, nextCursor: null }
    if (call.words.flag('json')) call.terminal.json(whole)
    else if (call.words.flag('csv')) call.terminal.print(csvOf(items))
    else call.terminal.print(listInWords(whole))
    return 0
  },
}

function capacityIn(call: Call): number | null {
  const text = call.words.text('capacity')
  if (text === undefined) return null
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= MOST_CAPACITY) return value
  throw new UsageError(`option --capacity is a whole number from 1 to ${MOST_CAPACITY}, not "${text}"`)
}

type List = Awaited<ReturnType<typeof readWorklist>>
type Item = List['items'][number]

const CSV = [
  ...['memberId', 'state', 'since', 'flag', 'flagged_since', 'p_silent', 'p_decline', 'at_stake', 'uplift'],
  ...['priority', 'expected_purchases', 'lifetime_value', 'reason'],
]

function csvOf(items: readonly Item[]): string {
  const lines = items.map((item) =>
    [
      ...[item.memberId, item.state, item.since, item.flag ?? '', item.flaggedSince ?? ''],
      ...[
        item.pSilent.toFixed(4),
        item.pDecline.toFixed(4),
        item.atStake?.amount ?? '',
        item.uplift.toFixed(3),
        item.priority.toFixed(2),
      ],
      ...[item.expectedPurchases.toFixed(3), item.lifetimeValue?.amount ?? '', cell(reasonsOf(item))],
    ].join(','),
  )
  return [CSV.join(','), ...lines].join('\n')
}

function reasonsOf({ reasons }: Pick<WireScore, 'reasons'>): string {
  return reasons.map(({ text, suppressed }) => (suppressed ? `not flagged: ${text}` : text)).join('; ')
}

function listInWords(list: List): string {
  if (list.asOf === null) return 'nobody was scored yet: milepost retention score'
  const rows = list.items.map((item) => [
    item.memberId,
    item.state,
    item.flag ?? '',
    item.flaggedSince ?? '',
    percent(item.pDecline),
    item.atStake?.amount ?? '',
    reasonsOf(item),
  ])
  const head = ['member', 'state', 'flag', 'since', 'declines', 'at stake', 'why']
  const cut = list.flagged > rows.length ? `, ${rows.length} listed` : ''
  return [
    ...(rows.length > 0 ? [table([head, ...rows])] : []),
    `as of ${list.asOf}: ${count(list.flagged, 'member')} flagged${cut}`,
    ...upliftsInWords(list.uplifts),
    falseInWords(list.falseShare),
  ].join('\n')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}

/** A flag on which nothing was tried yet is worth no line. */
function upliftsInWords(uplifts: List['uplifts']): string[] {
  return flags.flatMap((flag) => {
    const found = uplifts?.[flag]
    return found && found.trials > 0 ? [`who is treated when ${flag} spends ${upliftInWords(found)}`] : []
  })
}

function upliftInWords({ uplift, low, high, trials, treated, control }: ExpectedUplift): string {
  const where =
    trials === 0 ? 'no trial yet' : `${count(trials, 'trial')}, ${treated} treated and ${control} not`
  return `${uplift.toFixed(2)} times as much (95 %: ${low.toFixed(2)} to ${high.toFixed(2)}; ${where})`
}

function falseInWords(share: List['falseShare']): string {
  if (share === null || share.share === null)
    return 'how many flags are false is not known yet: the horizon of none is over'
  return `of ${count(share.decided, 'flag')} raised from ${share.from} through ${share.through}, ${percent(share.share)} were false`
}

export const retentionMember: CliCommand = {
  operands: ['member'],
  options: { program: programOption, json: { about: 'as JSON' } },
  examples: ['milepost retention member mem_0198f0a2b3c4700080000000000a0001'],
  async run(call) {
    const memberId = readId('member', call.words.operands[0]!, 'member_not_found')
    const { sql, terms } = await openTerms(call)
    const found = await readMember(sql, terms, memberId)
    if (found === null) throw new UsageError(`${terms.program} has no member ${call.words.operands[0]}`)
    if (call.words.flag('json')) call.terminal.json(found)
    else call.terminal.print(memberInWords(found))
    return 0
  },
}

function memberInWords(found: NonNullable<Awaited<ReturnType<typeof readMember>>>): string {
  const { kept, score, flags } = found
  const bought = kept?.lastDay
    ? [
        `bought on ${count(kept.purchaseDays, 'day')} from ${kept.firstDay} to ${kept.lastDay}, ${kept.spend.amount} ${kept.spend.currency} in all`,
      ]
    : []
  const rows: string[][] = score
    ? [
        ['state', `${score.state} since ${score.since}`],
        ['flag', score.flag ? `${score.flag} since ${score.flaggedSince}` : 'none'],
        ['silent', percent(score.pSilent)],
        ['declines', percent(score.pDecline)],
        [
          'expected',
          `${score.expectedPurchases.toFixed(1)} purchases, ${score.expectedValue?.amount ?? '-'}`,
        ],
        ['at stake', score.atStake?.amount ?? '-'],
        ...(found.uplift ? [['uplift', `treated, ${upliftInWords(found.uplift)}`]] : []),
        ['lifetime', score.lifetimeValue?.amount ?? '-'],
        ['rhythm', score.dispersion ?? 'too few purchases to say'],
        ['rfm', `${score.rfm.recency} ${score.rfm.frequency} ${score.rfm.monetary}`],
        ...score.reasons.map(({ text, clears, suppressed }) => [
          suppressed ? 'not flagged' : 'why',
          clears === null ? text : `${text} (clears with ${clears})`,
        ]),
      ]
    : [['score', found.because ?? '']]
  const past = flags.map(({ kind, raisedOn, clearedOn, outcome }) => [
    'past flag',
    `${kind} raised ${raisedOn}${clearedOn ? `, cleared ${clearedOn}` : ''}${outcome ? `, turned out ${outcome}` : ''}`,
  ])
  return [
    `${found.memberId}${found.asOf ? ` as of ${found.asOf}` : ''}`,
    ...bought,
    table([...rows, ...past]),
  ].join('\n')
}

export const retentionSummary: CliCommand = {
  options: { program: programOption, json: { about: 'as JSON' } },
  examples: ['milepost retention summary --program gift-shop'],
  async run(call) {
    const { sql, terms } = await openTerms(call)
    const summary = await readSummary(sql, terms)
    if (call.words.flag('json')) call.terminal.json(summary)
    else call.terminal.print(summaryInWords(summary))
    return 0
  },
}

function summaryInWords(summary: Awaited<ReturnType<typeof readSummary>>): string {
  if (summary.asOf === null) return 'nobody was scored yet: milepost retention score'
  const rows = [
    ...Object.entries(summary.states).map(([state, members]) => [state, String(members)]),
    ...Object.entries(summary.flags).map(([flag, members]) => [`flagged ${flag}`, String(members)]),
  ]
  return [
    `${summary.program} as of ${summary.asOf}, ${summary.horizonDays} days ahead: ${count(summary.members, 'member')}`,
    table(rows),
    ...upliftsInWords(summary.uplifts),
    `at stake: ${summary.atStake ? `${summary.atStake.amount} ${summary.atStake.currency}` : 'nothing'}`,
    falseInWords(summary.falseShare),
    ...(summary.rebuild > 0
      ? [`${count(summary.rebuild, 'member')} to be made anew: milepost retention rebuild`]
      : []),
  ].join('\n')
}
