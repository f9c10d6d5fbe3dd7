/** `milepost retention view`: one of the seven views as a table, as JSON, or as a picture. */
import { writeFileSync } from 'node:fs'
import { didYouMean } from '../base/nearest.ts'
import { createPrograms } from '../engine/programs.ts'
import { pictureOfView } from '../retention/chart.ts'
import { sharesOf } from '../retention/holdout.ts'
import { type Cell, titles, type View, type ViewFigure, viewNames } from '../retention/view.ts'
import { viewOf } from '../retention/views.ts'
import { type CliCommand, UsageError } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { columns, numeral } from './terminal.ts'

export const retentionView: CliCommand = {
  operands: ['name'],
  about: [
    'The numbers come out of the ledger, the transactions and the last run of scores each time. Where there is too ' +
      'little history, a note says what is missing.',
    ...viewNames.map((name) => titles[name]),
  ],
  options: {
    program: { about: 'which program, where there are several', value: 'PROGRAM' },
    at: { about: 'as of an instant of business time; else now', value: 'TIME' },
    svg: { about: 'write the picture to a file', value: 'FILE' },
    json: { about: 'the view as JSON' },
  },
  examples: [
    'milepost retention view persistency --program gift-shop',
    'milepost retention view profitability --at 2026-06-30T22:00:00Z --svg profit.svg',
    'milepost retention view product --json',
  ],
  async run(call) {
    const name = viewNames.find((known) => known === call.words.operands[0])
    if (name === undefined) {
      const given = call.words.operands[0]!
      const hint = didYouMean(given, viewNames) ?? `there are ${viewNames.join(', ')}`
      throw new UsageError(`there is no view "${given}"`, hint)
    }
    const { sql } = await openMigrated(call)
    const programs = await createPrograms(sql)
    const at = call.words.instant('at') ?? call.now()
    const program = programs.at(programNamed(call.words.text('program'), programs.ids()), at)
    const view = await viewOf(sql, name, { program, at, shareAt: sharesOf(programs, program) })
    const svg = call.words.text('svg')
    if (svg !== undefined) {
      writeFileSync(svg, pictureOfView(view))
      call.terminal.note(`written to ${svg}`)
    }
    if (call.words.flag('json')) call.terminal.json(view)
    else if (svg === undefined) call.terminal.print(inWords(view))
    return 0
  },
}

function programNamed(wanted: string | undefined, known: readonly string[]): string {
  if (wanted !== undefined && known.includes(wanted)) return wanted
  const there = known.length > 0 ? `there are ${known.join(', ')}` : 'milepost rules publish makes one'
  if (wanted !== undefined)
    throw new UsageError(`no program "${wanted}" is published`, didYouMean(wanted, known) ?? there)
  if (known.length === 1) return known[0]!
  throw new UsageError('option --program PROGRAM is missing', there)
}

function inWords({ view, program, asOf, money, note, figures, tables }: View): string {
  const filled = tables.filter(({ rows }) => rows.length > 0)
  return [
    `${titles[view]}\n${program} as of ${asOf}, money in ${money}`,
    ...(note === null ? [] : [`note: ${note}`]),
    ...(figures.length === 0
      ? []
      : [
          columns(
            figures.map((one) => [one.name, figureText(one)]),
            [1],
          ),
        ]),
    ...filled.map(({ title, columns: heads, rows }) => {
      const numbers = heads.flatMap((_, index) => (rows.some((row) => isFigure(row[index])) ? [index] : []))
      const cells = rows.map((row) => row.map((cell, index) => cellText(cell, heads[index]!)))
      return `${title}\n${columns([heads, ...cells], numbers)}`
    }),
  ].join('\n\n')
}

function figureText({ value, unit }: ViewFigure): string {
  if (value === null) return 'not known'
  if (unit === 'share') return percent(Number(value))
  return unit === 'date' ? String(value) : numeral(value)
}

const SHARES = /share|odds|bought$|more bought|^month /

function cellText(cell: Cell, head: string): string {
  if (cell === null) return '–'
  if (typeof cell === 'string') return /^-?\d+\.\d+$/.test(cell) ? numeral(cell) : cell
  if (SHARES.test(head)) return percent(cell)
  return Number.isInteger(cell) ? numeral(cell) : cell.toFixed(3)
}

function isFigure(cell: Cell | undefined): boolean {
  return typeof cell === 'number' || (typeof cell === 'string' && /^-?\d+(\.\d+)?$/.test(cell))
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
