/**
 * Where a command's words go: results to standard output, everything else to standard error, colours and
 * progress bars only where a person is looking. With --json standard output gets one document, no more.
 */
import { styleText } from 'node:util'
import { Presets, SingleBar } from 'cli-progress'

export type Style = Parameters<typeof styleText>[0]

export interface Terminal {
  /** a line of the result */
  print(text: string): void
  /** the result as one JSON document */
  json(document: unknown): void
  /** a line beside the result */
  note(text: string): void
  /** styled for standard output, or plain where that is no terminal */
  style(style: Style, text: string): string
  /** styled for standard error */
  noteStyle(style: Style, text: string): string
  progress(what: string): Progress
}

/** Shows itself only for work that takes longer than two seconds. */
export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

export interface Streams {
  readonly out: NodeJS.WriteStream
  readonly err: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
}

const QUIET_FOR = 2_000
const LINE_EVERY = 5_000
const REDRAW_EVERY = 1_000

export function createTerminal({ out, err, env }: Streams): Terminal {
  const colourless = (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb'
  const style = (stream: NodeJS.WriteStream) => (look: Style, text: string) =>
    stream.isTTY && !colourless ? styleText(look, text) : text
  const note = (text: string) => void err.write(`${text}\n`)
  return {
    print: (text) => void out.write(`${text}\n`),
    json: (document) => void out.write(`${JSON.stringify(document, null, 2)}\n`),
    note,
    style: style(out),
    noteStyle: style(err),
    progress: (what) => (err.isTTY ? barProgress(what, err) : lineProgress(what, note)),
  }
}

/** Drawn anew each second, so that a step which takes its time does not look like a standstill. */
function barProgress(what: string, stream: NodeJS.WriteStream): Progress {
  const format = `${what} {bar} {percentage}% {told}`
  const startedAt = performance.now()
  const told = () => ({ told: barWords(known, (performance.now() - startedAt) / 1000) })
  const bar = new SingleBar(
    { stream, format, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  )
  let known: Known = NOTHING
  let redraw: NodeJS.Timeout | null = null
  const begin = setTimeout(() => {
    bar.start(known.total, known.done, told())
    redraw = setInterval(() => bar.update(known.done, told()), REDRAW_EVERY).unref()
  }, QUIET_FOR).unref()
  return {
    update(done, total) {
      known = { done, total }
      if (redraw === null) return
      bar.setTotal(total)
      bar.update(done, told())
    },
    stop() {
      clearTimeout(begin)
      if (redraw === null) return
      clearInterval(redraw)
      redraw = null
      bar.stop()
    },
  }
}

interface Known {
  readonly done: number
  readonly total: number
}

/** Before anything is known of how much there is to do. */
const NOTHING: Known = { done: 0, total: 1 }

/** `944/1890 12 s, 13 s to go`. As long as nothing is done, nobody knows how long the rest takes. */
export function barWords(known: Known, elapsed: number): string {
  const { done, total } = known
  const soFar = `${Math.round(elapsed)} s`
  if (known === NOTHING) return soFar
  const left = done > 0 ? `, ${durationInWords((elapsed * Math.max(0, total - done)) / done)} to go` : ''
  return `${done}/${total} ${soFar}${left}`
}

function durationInWords(span: number): string {
  const seconds = Math.ceil(span)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function lineProgress(what: string, note: (text: string) => void): Progress {
  let nextAt = performance.now() + QUIET_FOR
  return {
    update(done, total) {
      const now = performance.now()
      if (now < nextAt) return
      nextAt = now + LINE_EVERY
      note(`${what}: ${done} of ${total}`)
    },
    stop() {},
  }
}

/** Columns padded to their widest cell; the last one runs free. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index]!))))
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n')
}

/** A table whose columns of that number are figures: these stand to the right. */
export function columns(rows: readonly (readonly string[])[], figures: readonly number[]): string {
  const widths = figures.map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return table(
    rows.map((row) =>
      row.map((cell, index) => {
        const place = figures.indexOf(index)
        return place < 0 ? cell : cell.padStart(widths[place]!)
      }),
    ),
  )
}

/** `1,234,567`; of a decimal, the places after the point stay as they are. */
export function numeral(figure: number | string): string {
  const [whole = '', places] = String(figure).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return places === undefined ? grouped : `${grouped}.${places}`
}

/** `1 member`, `2 members` */
export function count(n: number | bigint, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${Number(n) === 1 ? one : many}`
}
