/** `milepost retention segments`, `experiments` and `cluster`: what the API shows, as tables. */
import { DomainError } from '../base/errors.ts'
import { createPrograms } from '../engine/programs.ts'
import type { Program } from '../program/program.ts'
import type { Proposal } from '../retention/clustering.ts'
import { pictureOf } from '../retention/picture.ts'
import { type PictureRow, picturePage } from '../retention/queries-members.ts'
import {
  type ExperimentShown,
  type SegmentsShown,
  showExperiments,
  showSegments,
} from '../retention/shown.ts'
import type { Call, CliCommand } from './command-line.ts'
import { type Database, openMigrated } from './installation.ts'
import { count, table } from './terminal.ts'

const program = { about: 'the program', value: 'ID', required: true } as const
const json = { about: 'the result as JSON' }

export async function openProgram(call: Call): Promise<Database & { rules: Program }> {
  const database = await openMigrated(call)
  const programs = await createPrograms(database.sql)
  return { ...database, rules: programs.at(call.words.required('program'), call.now()) }
}

export const retentionSegments: CliCommand = {
  about: [
    'A member can be in several segments at once. Those by conditions are gone over by milepost jobs run segments; ' +
      'those by hand are what POST /v1/members/{memberId}/segments said.',
  ],
  options: { program, overlap: { about: 'also how many members each two have in common' }, json },
  examples: [
    'milepost retention segments --program gift-shop',
    'milepost retention segments --program gift-shop --overlap --json',
  ],
  async run(call) {
    const { sql, rules } = await openProgram(call)
    const shown = await showSegments(sql, rules)
    if (call.words.flag('json')) call.terminal.json(shown)
    else call.terminal.print(segmentsInWords(shown, call.words.flag('overlap')))
    return 0
  },
}

function segmentsInWords({ segments, overlap, decidedAt }: SegmentsShown, withOverlap: boolean): string {
  if (segments.length === 0) return 'the program declares no segments'
  const rows = segments.map((one) => [one.segment, one.by, String(one.members), one.name])
  const lines = [
    table([['segment', 'by', 'members', 'name'], ...rows]),
    `by conditions as of ${decidedAt ?? 'never: milepost jobs run segments'}`,
  ]
  if (!withOverlap) return lines.join('\n')
  const inBoth = (a: string, b: string) =>
    overlap.find((pair) => (pair.a === a && pair.b === b) || (pair.a === b && pair.b === a))?.members ?? 0
  const names = segments.map(({ segment }) => segment)
  const cells = segments.map(({ segment, members }) => [
    segment,
    ...names.map((other) => String(other === segment ? members : inBoth(segment, other))),
  ])
  return [...lines, '', table([['in both', ...names], ...cells])].join('\n')
}

export const retentionExperiments: CliCommand = {
  operands: ['[experiment]'],
  about: [
    'By intention to treat: everybody who was put into an arm counts. Net value is margin x spend, less cost, less ' +
      'all points of the measured days at their value; the interval at the bound of the plan decides.',
  ],
  options: { program, json },
  examples: [
    'milepost retention experiments --program gift-shop',
    'milepost retention experiments come-back --program gift-shop --json',
  ],
  async run(call) {
    const { sql, rules } = await openProgram(call)
    const only = call.words.operands[0] ?? null
    const shown = await showExperiments(sql, rules, only)
    if (only !== null && shown.length === 0)
      throw new DomainError('experiment_not_found', { experiment: only })
    if (call.words.flag('json')) call.terminal.json({ experiments: shown })
    else call.terminal.print(shown.map(experimentInWords).join('\n\n') || 'no campaign has begun')
    return 0
  },
}

export function experimentInWords(shown: ExperimentShown): string {
  const { experiment, name, state, winner, decidedBy, treated, spent, suppressed, looks, arms, sampleRatio } =
    shown
  const by = decidedBy === null ? '' : `, by hand (${decidedBy})`
  const told = `${state === 'rolled_out' ? `rolled out: ${winner}` : state}${by}`
  const left = suppressed.map(({ reason, members }) => `${reason} ${members}`).join(', ')
  const sizes = arms.map(
    ({ phase, arm, members }) => `${arm} ${members}${phase === 'test' ? '' : ' after the test'}`,
  )
  const lines = [
    `${experiment} (${name}): ${told}`,
    `  assigned: ${sizes.join(', ') || 'nobody yet'}${sampleRatio.isFair ? '' : '; not as chance makes them, nothing is decided'}`,
    `  treated ${treated}, cost ${spent.cost.toFixed(2)}, points worth ${spent.points.toFixed(2)}`,
    ...(left === '' ? [] : [`  left alone: ${left}`]),
  ]
  const last = looks.at(-1)
  if (!last) return [...lines, '  no look was due yet'].join('\n')
  const number = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : value.toFixed(2)
  const rows = last.arms.map((arm) => [
    ...[
      `  ${arm.arm}`,
      String(arm.members),
      String(arm.buyers),
      number(arm.spendPerMember),
      number(arm.netPerMember),
    ],
    arm.planned
      ? `${number(arm.planned.difference)} (${number(arm.planned.low)} to ${number(arm.planned.high)})`
      : '–',
    arm.verdict,
  ])
  const head = `  look ${last.look} of ${last.lookedAt.slice(0, 10)}`
  return [
    ...lines,
    table([[head, 'members', 'buyers', 'spend', 'net', 'net against control', ''], ...rows]),
  ].join('\n')
}

const PAGE = 2_000
const MOST = 100_000

export const retentionCluster: CliCommand = {
  about: [
    'k-means on ln(1 + x) of purchases, days since the last, days since the first and average spend; the same ' +
      'members give the same groups. Of 2 to 7 groups those are proposed that hang together best (silhouette) among ' +
      'those that come out alike when members are drawn anew (adjusted Rand index 0.8 or more). Pasted into the ' +
      'rule files, each centre is a segment; rename them as you like.',
    `More than ${MOST} members are represented by the first ${MOST}.`,
  ],
  options: { program, json },
  examples: ['milepost retention cluster --program gift-shop > rules/gift-shop/clusters.yaml'],
  async run(call) {
    // its package loads hundreds of modules, which no other command should wait for
    const { FEATURES, proposalYaml, proposeGroups, STABLE } = await import('../retention/clustering.ts')
    const { sql, rules } = await openProgram(call)
    const rows: number[][] = []
    let after: string | null = null
    do {
      const page: PictureRow[] = await picturePage(sql, { program: rules.id, after, limit: PAGE })
      for (const row of page) {
        const { facts } = pictureOf(rules, row, { at: call.now(), complaints: 0 })
        const values = FEATURES.map((name) => facts[name])
        if (row.bought && values.every((value) => typeof value === 'number')) rows.push(values as number[])
      }
      after = page.length === PAGE && rows.length < MOST ? page.at(-1)!.memberId : null
    } while (after !== null)
    const proposal = proposeGroups(rows)
    if (proposal === null) {
      call.terminal.note(
        `${count(rows.length, 'member')} with purchases: too few, or too much alike, to group`,
      )
      return 1
    }
    if (call.words.flag('json')) call.terminal.json(proposal)
    else call.terminal.print(`${inWords(proposal, proposal.stability >= STABLE)}\n${proposalYaml(proposal)}`)
    return 0
  },
}

function inWords(proposal: Proposal, isStable: boolean): string {
  const { members, groups, silhouette, stability, features } = proposal
  const names = features.map(({ name }) => name).join(', ')
  return [
    `# ${groups.length} groups of ${count(members, 'member')}; silhouette ${silhouette.toFixed(2)}, stability ${stability.toFixed(2)}`,
    ...(isStable ? [] : ['# other members would give other groups: take them as a hint, no more']),
    `# typical ${names}:`,
    ...groups.map(
      ({ typical }, index) => `#   group-${index + 1}: ${typical.map((one) => one.toFixed(1)).join(', ')}`,
    ),
  ].join('\n')
}
