/**
 * A simulation as one SVG picture: points by rule, tiers, and what is owed, each as it was and as it would
 * be.
 */
import { drawSheet, escaped, INK, signed } from '../base/svg.ts'
import type { SimulationResult } from './result.ts'

interface Bar {
  readonly label: string
  readonly before: number
  readonly after: number
  /** as it is written beside the bars */
  readonly shown: (value: number) => string
}

interface Panel {
  readonly title: string
  readonly bars: readonly Bar[]
}

const WIDTH = 760
const LEFT = 210
const RIGHT = 200
const ROW = 44
const HEAD = 34
const TOP = 96
/** More rules than fit on a page are told of in the table and the JSON. */
const MOST_BARS = 25

export function pictureOf(result: SimulationResult): string {
  const panels = panelsOf(result).filter(({ bars }) => bars.length > 0)
  let y = TOP
  const drawn = panels.map((panel) => {
    const top = y
    y += HEAD + panel.bars.length * ROW + 18
    return draw(panel, top)
  })
  const title = `Simulation of ${result.program}`
  const about = summaryOf(result)
  const body = `<rect x="20" y="70" width="12" height="12" fill="${COLOUR.before}"/><text x="38" y="81" fill="${INK.text}">as recorded</text>
<rect x="140" y="70" width="12" height="12" fill="${COLOUR.after}"/><text x="158" y="81" fill="${INK.text}">as simulated</text>
${drawn.join('\n')}`
  return drawSheet({ width: WIDTH, height: y + 8, title, about, body })
}

const COLOUR = { before: INK.pale, after: INK.deep } as const

function summaryOf({ members, transactions, better, worse, liability, money }: SimulationResult): string {
  const count = (n: number) => n.toLocaleString('en')
  return (
    `${count(transactions)} transactions of ${count(members)} members: ${count(better)} gain, ` +
    `${count(worse)} lose; owed ${signed(liability.difference)} ${money}`
  )
}

function panelsOf(result: SimulationResult): Panel[] {
  const whole = (value: number) => value.toLocaleString('en')
  const largest = [...result.rules].sort((a, b) => size(b) - size(a)).slice(0, MOST_BARS)
  const shownRules = result.rules.filter((rule) => largest.includes(rule))
  const cut = result.rules.length - shownRules.length
  return [
    {
      title: `Points by rule${cut > 0 ? ` (the ${MOST_BARS} largest of ${result.rules.length})` : ''}`,
      bars: shownRules.map(({ rule, currency, before, after }) => ({
        label: `${rule}, ${currency}`,
        before: before.points,
        after: after.points,
        shown: whole,
      })),
    },
    {
      title: 'Members by tier',
      bars: result.tiers.map(({ ladder, tier, before, after }) => ({
        label: tier === ladder ? tier : `${tier} (${ladder})`,
        ...{ before, after, shown: whole },
      })),
    },
    {
      title: 'Points that members have',
      bars: result.currencies.map(({ currency, before, after }) => ({
        label: currency,
        before: before.points,
        after: after.points,
        shown: whole,
      })),
    },
  ]
}

function size({ before, after }: { before: { points: number }; after: { points: number } }): number {
  return Math.max(Math.abs(before.points), Math.abs(after.points))
}

function draw({ title, bars }: Panel, top: number): string {
  const most = Math.max(1, ...bars.flatMap(({ before, after }) => [Math.abs(before), Math.abs(after)]))
  const rows = bars.map((bar, index) => drawBar(bar, { top: top + HEAD + index * ROW, most }))
  return `<g>
<text x="20" y="${top + 20}" font-weight="600" fill="#1a1a1a">${escaped(title)}</text>
${rows.join('\n')}
</g>`
}

function drawBar(bar: Bar, { top, most }: { top: number; most: number }): string {
  const length = (value: number) => Math.round((Math.abs(value) / most) * (WIDTH - LEFT - RIGHT) * 10) / 10
  const difference = bar.after - bar.before
  const told = `${bar.label}: ${bar.shown(bar.before)} as recorded, ${bar.shown(bar.after)} as simulated`
  const label = bar.label.length > 26 ? `${bar.label.slice(0, 25)}…` : bar.label
  const end = LEFT + Math.max(length(bar.before), length(bar.after)) + 8
  const change = difference === 0 ? 'the same' : signed(difference.toLocaleString('en'))
  return `<g><title>${escaped(told)}</title>
<text x="${LEFT - 10}" y="${top + 20}" text-anchor="end" fill="#1a1a1a">${escaped(label)}</text>
<rect x="${LEFT}" y="${top + 2}" width="${length(bar.before)}" height="13" fill="${COLOUR.before}"/>
<rect x="${LEFT}" y="${top + 17}" width="${length(bar.after)}" height="13" fill="${COLOUR.after}"/>
<text x="${end}" y="${top + 13}" font-size="12" fill="#444444">${bar.shown(bar.before)}</text>
<text x="${end}" y="${top + 28}" font-size="12" fill="#1a1a1a">${bar.shown(bar.after)} (${change})</text></g>`
}
