/**
 * A simulation as one SVG picture: points by rule, tiers, and what is owed, each as it was and as it would
 * be. It stands by itself: no script, no font and no image from anywhere, titles for those who listen, and
 * colours that differ in lightness too.
 */
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
const RIGHT = 150
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
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 8}" width="${WIDTH}" height="${y + 8}" role="img" aria-labelledby="title about" font-family="system-ui, sans-serif" font-size="14">
<title id="title">${escaped(title)}</title>
<desc id="about">${escaped(about)}</desc>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="20" y="34" font-size="20" font-weight="600" fill="#1a1a1a">${escaped(title)}</text>
<text x="20" y="56" fill="#444444">${escaped(about)}</text>
<rect x="20" y="70" width="12" height="12" fill="${COLOUR.before}"/><text x="38" y="81" fill="#1a1a1a">as recorded</text>
<rect x="140" y="70" width="12" height="12" fill="${COLOUR.after}"/><text x="158" y="81" fill="#1a1a1a">as simulated</text>
${drawn.join('\n')}
</svg>
`
}

const COLOUR = { before: '#b7c4d1', after: '#1f5fa8' } as const

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

/** A minus sign that reads as one, and a plus where there is none. */
function signed(value: string): string {
  return value.startsWith('-') ? `−${value.slice(1)}` : `+${value}`
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
