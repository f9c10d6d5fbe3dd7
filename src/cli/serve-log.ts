/**
 * The service's log lines, on standard error: JSON as they come, one a line, or in words where a person
 * is looking at a terminal.
 */
export interface LogTarget {
  write(line: string): void
}

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
/** What every line has, and what nobody wants to read at a terminal. */
const dull = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'err', 'name'])

export function logTarget(stream: NodeJS.WriteStream): LogTarget {
  if (!stream.isTTY) return stream
  return { write: (line) => void stream.write(`${inWords(line)}\n`) }
}

/** `09:30:12 warn  the database is away {"retryIn":2}` */
export function inWords(line: string): string {
  try {
    const facts = JSON.parse(line) as Record<string, unknown>
    const time = new Date(Number(facts.time)).toTimeString().slice(0, 8)
    const rest = Object.entries(facts).filter(([name]) => !dull.has(name))
    const detail = rest.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(rest))}`
    const { stack, message } = (facts.err ?? {}) as { stack?: string; message?: string }
    const error = stack ?? message
    const level = levels[Number(facts.level)] ?? String(facts.level)
    return `${time} ${level.padEnd(5)} ${String(facts.msg ?? '')}${detail}${error ? `\n${error}` : ''}`
  } catch {
    return line.trimEnd()
  }
}
