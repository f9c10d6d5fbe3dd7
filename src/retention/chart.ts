/**
 * A view as one picture: its charts one below the other, axes named, values written beside bars, lines told
 * apart by dash as well as by shade, so that it can be read in grey. Where there is too little, it says so.
 */
import { drawSheet, escaped, INK, SHADES } from '../base/svg.ts'
import { titles, type View, type ViewChart, type ViewFigure } from './view.ts'

const WIDTH = 760
const TOP = 84
const LEFT = 200
/** letters of a label that surely have room left of the bars */
const LONGEST = 24
const RIGHT = 110
const ROW = 26
const HEAD = 40
const FOOT = 52
const PLOT = 260
const DASHES = ['', '7 4', '2 4', '10 3 2 3', '4 2', '1 3'] as const

export function pictureOfView(view: View): string {
  const drawable = view.charts.filter(({ steps, series }) => steps.length > 0 && series.length > 0)
  let y = TOP
  const drawn: string[] = []
  for (const chart of drawable) {
    const { body, height } = chart.kind === 'bars' ? drawBars(chart, y, view) : drawLines(chart, y, view)
    drawn.push(body)
    y += height + 24
  }
  if (drawn.length === 0) {
    drawn.push(
      `<text x="20" y="${y + 14}" fill="${INK.text}">${escaped(view.note ?? 'there is nothing to draw')}</text>`,
    )
    y += 40
  }
  const note = view.note === null ? '' : `; ${view.note}`
  const about = `${view.program} as of ${view.asOf}${note}`
  return drawSheet({ width: WIDTH, height: y, title: titles[view.view], about, body: drawn.join('\n') })
}

/** The step between marks of an axis: 1, 2 or 5 times a power of ten, at most five marks. */
function tickStep(range: number): number {
  if (!(range > 0) || !Number.isFinite(range)) return 1
  const rough = range / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const times = [1, 2, 5, 10].find((each) => each * power >= rough) ?? 10
  return times * power
}

interface Axis {
  readonly low: number
  readonly high: number
  readonly marks: readonly number[]
}

function axisOf(values: readonly (number | null)[], unit: ViewFigure['unit']): Axis {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value))
  const [low, high] = [Math.min(0, ...known), Math.max(unit === 'share' ? 0.1 : 1, ...known)]
  const step = tickStep(high - low)
  const from = Math.floor(low / step + 1e-9)
  const to = Math.ceil(high / step - 1e-9)
  const marks = Array.from({ length: to - from + 1 }, (_, index) => (from + index) * step)
  return { low: from * step, high: to * step, marks }
}

function inWords(value: number, unit: ViewFigure['unit']): string {
  if (unit === 'share') return `${Number((value * 100).toFixed(1))} %`
  const digits = unit === 'money' && Math.abs(value) < 1000 ? 2 : 0
  const text = Math.abs(value).toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return value < 0 ? `−${text}` : text
}

function shortMark(value: number, unit: ViewFigure['unit']): string {
  return unit === 'share'
    ? inWords(value, unit)
    : (value < 0 ? '−' : '') + Math.abs(value).toLocaleString('en', { maximumSignificantDigits: 6 })
}

function drawBars(chart: ViewChart, top: number, { money }: View): { body: string; height: number } {
  const [series] = chart.series
  const values = series?.values ?? []
  const axis = axisOf(values, chart.unit)
  const span = WIDTH - LEFT - RIGHT
  const x = (value: number) => LEFT + ((value - axis.low) / (axis.high - axis.low)) * span
  const end = top + HEAD + chart.steps.length * ROW
  const zero = x(0)
  const rows = chart.steps.map((step, index) => {
    const value = values[index] ?? null
    const y = top + HEAD + index * ROW
    const label = step.length > LONGEST ? `${step.slice(0, LONGEST - 1)}…` : step
    const told = value === null ? 'not known' : inWords(value, chart.unit)
    const [from, to] = value === null ? [zero, zero] : [Math.min(zero, x(value)), Math.max(zero, x(value))]
    return `<g><title>${escaped(`${step}: ${told}`)}</title><text x="${LEFT - 10}" y="${y + 15}" text-anchor="end" fill="${INK.text}">${escaped(label)}</text>
<rect x="${at(from)}" y="${y + 3}" width="${at(to - from)}" height="${ROW - 10}" fill="${INK.deep}"/>
<text x="${at(to + 6)}" y="${y + 15}" font-size="12" fill="${INK.soft}">${escaped(told)}</text></g>`
  })
  const marks = axis.marks.map(
    (mark) =>
      `<line x1="${at(x(mark))}" y1="${top + HEAD}" x2="${at(x(mark))}" y2="${end}" stroke="${mark === 0 ? INK.soft : '#dde2e7'}"/><text x="${at(x(mark))}" y="${end + 16}" font-size="12" text-anchor="middle" fill="${INK.soft}">${escaped(shortMark(mark, chart.unit))}</text>`,
  )
  const measure =
    chart.unit === 'money' && !chart.measure.includes(money) ? `${chart.measure}, ${money}` : chart.measure
  const body = `<g>${heading(chart, top)}
<text x="${LEFT - 10}" y="${top + HEAD - 6}" font-size="12" text-anchor="end" fill="${INK.soft}">${escaped(chart.along)}</text>
${marks.join('\n')}
${rows.join('\n')}
<text x="${LEFT + span / 2}" y="${end + 36}" font-size="12" text-anchor="middle" fill="${INK.soft}">${escaped(measure)}</text></g>`
  return { body, height: HEAD + chart.steps.length * ROW + FOOT }
}

function drawLines(chart: ViewChart, top: number, { money }: View): { body: string; height: number } {
  const [left, right] = [70, WIDTH - RIGHT - 40]
  const [high, end] = [top + HEAD + 10, top + HEAD + 10 + PLOT]
  const axis = axisOf(
    chart.series.flatMap(({ values }) => values),
    chart.unit,
  )
  const count = Math.max(1, chart.steps.length - 1)
  const x = (index: number) =>
    chart.steps.length === 1 ? (left + right) / 2 : left + (index / count) * (right - left)
  const y = (value: number) => end - ((value - axis.low) / (axis.high - axis.low)) * (end - high)
  const marks = axis.marks.map(
    (mark) =>
      `<line x1="${left}" y1="${at(y(mark))}" x2="${right}" y2="${at(y(mark))}" stroke="${mark === 0 ? INK.soft : '#dde2e7'}"/><text x="${left - 8}" y="${at(y(mark) + 4)}" font-size="12" text-anchor="end" fill="${INK.soft}">${escaped(shortMark(mark, chart.unit))}</text>`,
  )
  const every = Math.ceil(chart.steps.length / 13)
  const steps = chart.steps.map((step, index) =>
    index % every === 0
      ? `<text x="${at(x(index))}" y="${end + 18}" font-size="12" text-anchor="middle" fill="${INK.soft}">${escaped(step)}</text>`
      : '',
  )
  const lines = chart.series.map(({ name, values }, index) =>
    drawLine({
      name,
      values,
      index,
      unit: chart.unit,
      x,
      y,
      nameAt: { x: right + 14, y: high + 10 + index * LEGEND },
    }),
  )
  const measure = chart.unit === 'money' ? `${chart.measure}, ${money}` : chart.measure
  const body = `<g>${heading(chart, top)}
<text x="${left - 50}" y="${high - 10}" font-size="12" fill="${INK.soft}">${escaped(measure)}</text>
${marks.join('\n')}
${steps.filter((step) => step !== '').join('\n')}
${lines.join('\n')}
<text x="${(left + right) / 2}" y="${end + 38}" font-size="12" text-anchor="middle" fill="${INK.soft}">${escaped(chart.along)}</text></g>`
  return { body, height: HEAD + 10 + PLOT + FOOT }
}

interface Line {
  readonly name: string
  readonly values: readonly (number | null)[]
  readonly index: number
  readonly unit: ViewFigure['unit']
  x(index: number): number
  y(value: number): number
  /** where the legend names it */
  readonly nameAt: { readonly x: number; readonly y: number }
}

function drawLine({ name, values, index, unit, x, y, nameAt }: Line): string {
  const known = values.flatMap((value, place) => (value === null ? [] : [{ place, value }]))
  const colour = SHADES[index % SHADES.length]!
  const dash = DASHES[index % DASHES.length]!
  const dashed = dash === '' ? '' : ` stroke-dasharray="${dash}"`
  const last = known.at(-1)
  if (!last) return ''
  const path = known
    .map(({ place, value }, n) => `${n === 0 ? 'M' : 'L'}${at(x(place))} ${at(y(value))}`)
    .join(' ')
  const dots =
    known.length > 14
      ? ''
      : known
          .map(
            ({ place, value }) =>
              `<circle cx="${at(x(place))}" cy="${at(y(value))}" r="3" fill="${colour}"><title>${escaped(`${name}: ${inWords(value, unit)}`)}</title></circle>`,
          )
          .join('')
  return `<g><title>${escaped(`${name}: ${inWords(last.value, unit)} at the end`)}</title><path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed}/>${dots}
<path d="M${nameAt.x} ${nameAt.y} h22" stroke="${colour}" stroke-width="2"${dashed}/><text x="${nameAt.x + 28}" y="${nameAt.y + 4}" font-size="12" fill="${INK.text}">${escaped(name)}</text></g>`
}

/** Between names of lines: a name at a line's end would stand on other lines. */
const LEGEND = 20

function heading({ title }: ViewChart, top: number): string {
  return `<text x="20" y="${top + 14}" font-weight="600" fill="${INK.text}">${escaped(title)}</text>`
}

/** A coordinate to a tenth. */
function at(value: number): number {
  return Math.round(value * 10) / 10
}
