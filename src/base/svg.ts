/**
 * The sheet that every picture is drawn on: one SVG that stands by itself, without script, font or image from
 * anywhere, with titles for those who listen, in colours that differ in lightness too.
 */

/** Of dark on light; the first two are told apart in grey as well. */
export const INK = {
  text: '#1a1a1a',
  soft: '#444444',
  line: '#9aa3ad',
  pale: '#b7c4d1',
  deep: '#1f5fa8',
} as const

/** Lines of one chart, from dark to light; each is named at its end as well. */
export const SHADES = ['#12355b', '#1f5fa8', '#4d8fd1', '#7d8da0', '#9db9d6', '#5b6672'] as const

export interface Sheet {
  readonly width: number
  readonly height: number
  readonly title: string
  /** one sentence below the title */
  readonly about: string
  /** elements, their texts escaped */
  readonly body: string
}

export function drawSheet({ width, height, title, about, body }: Sheet): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title about" font-family="system-ui, sans-serif" font-size="14">
<title id="title">${escaped(title)}</title>
<desc id="about">${escaped(about)}</desc>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="20" y="34" font-size="20" font-weight="600" fill="${INK.text}">${escaped(title)}</text>
<text x="20" y="56" fill="${INK.soft}">${escaped(about)}</text>
${body}
</svg>
`
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** A minus sign that reads as one, and a plus where there is none. */
export function signed(value: string): string {
  return value.startsWith('-') ? `−${value.slice(1)}` : `+${value}`
}
