/**
 * From bytes to a validated body: JSON that cannot poison a prototype, and zod's complaints as faults with
 * JSON pointers. What is not understood ends here as a 400 that says where.
 */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest, FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { DomainError, type Fault } from '../base/errors.ts'

/** More faults than anybody reads are not listed. */
const MOST_FAULTS = 50
/** Finding the place of a stray character parses again and again, so only where that is quick. */
const MOST_SEARCHED = 65_536
/** bytes */
const MOST_DROPPED = 64 * 1024 * 1024

export function readJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    // No body at all is for the route's schema to judge: some have nothing to say.
    if (body.length === 0) return done(null, undefined)
    if (!isUtf8(body)) return done(new DomainError('malformed_request', {}, 'the body is not UTF-8'))
    const text = body.toString()
    if (!mayPoison(text)) return done(...parsed(text))
    parse(request, text, (error: Error | null, value: unknown) => {
      if (error) done(syntaxFault(text))
      else done(null, value)
    })
  })
}

/** The careful parser reads a text four times as slowly: only what could name a prototype is worth that, or begins with a
 * byte order mark, which it passes over. */
function mayPoison(text: string): boolean {
  return (
    text.startsWith('\ufeff') ||
    text.includes('\\u') ||
    text.includes('__proto__') ||
    text.includes('constructor')
  )
}

function parsed(text: string): [error: Error | null, value?: unknown] {
  try {
    return [null, JSON.parse(text)]
  } catch {
    return [syntaxFault(text)]
  }
}

/**
 * Receives the rest of a body that is too large, and drops it. Many callers look for an answer only when they have sent
 * everything: on a connection that was closed meanwhile they find none. What is larger still has to live with that.
 */
export function dropRest({ headers, raw }: FastifyRequest): Promise<void> {
  return new Promise((resolve) => {
    let left = MOST_DROPPED
    if (raw.readableEnded || raw.destroyed || Number(headers['content-length']) > left) return resolve()
    const end = () => resolve()
    raw.once('end', end).once('error', end).once('close', end)
    raw.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) resolve()
    })
  })
}

const PARTS_OF_REQUEST: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
}

export const zodValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data: unknown) => {
    // No body comes as null; a JSON null says no more.
    const parsed = schema.safeParse(data ?? undefined)
    if (parsed.success) return { value: parsed.data }
    return {
      error: malformed(faultsOf(parsed.error), `the ${PARTS_OF_REQUEST[httpPart ?? ''] ?? 'request'}`),
    }
  }
}

export function malformed(faults: Fault[], where: string): DomainError {
  const [first] = faults
  const more = faults.length > 1 ? `, and ${faults.length - 1} more` : ''
  const detail = first ? `${where} at ${first.path || 'its root'}: ${first.message}${more}` : where
  return new DomainError('malformed_request', { errors: faults }, detail)
}

/** Each complaint of zod's as a fault with its JSON pointer; a field too many is named itself. */
export function faultsOf(error: z.ZodError): Fault[] {
  const faults = error.issues.flatMap((issue): Fault[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: pointer([...issue.path, key]),
        message: 'is not a known field',
      }))
    }
    return [{ path: pointer(issue.path), message: wording(issue) }]
  })
  return faults.slice(0, MOST_FAULTS)
}

/** RFC 6901. */
function pointer(path: readonly PropertyKey[]): string {
  return path
    .map((key) => `/${String(key).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union') {
    const expected = issue.errors.flat().flatMap((one) => (one.code === 'invalid_type' ? [one.expected] : []))
    const unique = [...new Set(expected)]
    return unique.length > 1 ? `expected ${unique.join(', ')}` : 'is not one of the allowed forms'
  }
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'is not an allowed name'
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `is missing: expected ${issue.expected}`
  }
  return issue.message.replace(/^Invalid input: /, '')
}

/** What is wrong with a text that is no JSON, and where. */
function syntaxFault(text: string): DomainError {
  const reason = jsonError(text)
  if (reason === null) {
    return new DomainError('malformed_request', {}, 'the body holds a name that could poison a prototype')
  }
  const position = placeOf(text, reason)
  if (position === null) return new DomainError('malformed_request', {}, 'the body is not JSON')
  const before = text.slice(0, position)
  const line = before.split('\n').length
  const column = position - before.lastIndexOf('\n')
  return new DomainError(
    'malformed_request',
    { position, line, column },
    `the body is not JSON: see line ${line}, column ${column}`,
  )
}

function jsonError(text: string): string | null {
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

// The engine tells the position in some messages only. For a stray character it is found by bisection: a
// beginning of the text complains of that character just when it reaches so far.
function placeOf(text: string, reason: string): number | null {
  const told = / at position (\d+)/.exec(reason)
  if (told) return Number(told[1])
  if (reason.startsWith('Unexpected end')) return text.length
  if (text.length > MOST_SEARCHED) return null
  let low = 1
  let high = text.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (jsonError(text.slice(0, middle))?.startsWith('Unexpected token')) high = middle
    else low = middle + 1
  }
  return low - 1
}
