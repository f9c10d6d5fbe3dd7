/**
 * A till that posts to a running Milepost over HTTP, as a shop's own till would. What is busy or away is
 * asked again after the pause that it names; what is refused is told by its code.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadProgram } from '../program/load.ts'
import type { Program } from '../program/program.ts'
import { ToldError } from './command-line.ts'
import type { Posted, Till } from './feed-post.ts'

export interface HttpTill {
  readonly url: URL
  readonly key: string
  readonly signal: AbortSignal
}

/** Tries of one request; with the longest pauses a service may be away for some minutes. */
const TRIES = 12
const LONGEST_PAUSE = 30_000
const ANSWERS_WITHIN = 30_000

/** The service could not be reached or did not understand: the import ends. */
class ServiceError extends ToldError {
  constructor(message: string) {
    super(message)
    this.name = 'ServiceError'
  }
}

interface Answer {
  readonly status: number
  readonly replayed: boolean
  readonly body: Readonly<Record<string, unknown>>
}

export function httpTill(service: HttpTill): Till {
  const post = async (path: string, body: object) => postedOf(await askService(service, { path, body }))
  return {
    enrol: (body) => post('/v1/members', body),
    sale: (body) => post('/v1/transactions', body),
    takeBack: (id, body) => post(`/v1/transactions/${id}/returns`, body),
  }
}

function postedOf({ status, replayed, body }: Answer): Posted {
  if (status === 200 || status === 201) return { outcome: replayed ? 'replayed' : 'posted', reply: body }
  const reason = String(body.code ?? status)
  if (status === 401 || status === 403)
    throw new ServiceError(`the service does not accept the key: ${reason}`)
  return { outcome: 'refused', reason, detail: `${reason}: ${String(body.detail ?? '')}` }
}

/** GET without a body, POST with one. */
async function askService(
  service: HttpTill,
  { path, body, most = TRIES }: { path: string; body?: object; most?: number },
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await askOnce(service, path, body).catch((error: unknown) => {
      service.signal.throwIfAborted()
      if (error instanceof ServiceError) throw error
      if (tries >= most) throw new ServiceError(`${service.url.origin} cannot be reached: ${reasonOf(error)}`)
      return null
    })
    if (answer !== null && !isBusy(answer.status)) return answer
    if (tries >= most) {
      throw new ServiceError(`${service.url.origin} answers ${answer?.status} to ${path}, ${most} times`)
    }
    await sleep(Math.min(LONGEST_PAUSE, answer?.pause ?? 50 * 2 ** tries), undefined, {
      signal: service.signal,
    })
  }
}

/** 500 is no such answer: asking again would meet the same defect. */
function isBusy(status: number): boolean {
  return status === 429 || (status > 500 && status < 600)
}

async function askOnce({ url, key, signal }: HttpTill, path: string, body?: object) {
  const response = await fetch(new URL(path.slice(1), url.href.endsWith('/') ? url : `${url.href}/`), {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN)]),
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return {
    status: response.status,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    body: isBusy(response.status) ? {} : readBody(text, url, path),
    pause: Number.isNaN(retryAfter) ? undefined : retryAfter * 1000,
  }
}

function readBody(text: string, url: URL, path: string): Answer['body'] {
  try {
    return JSON.parse(text) as Answer['body']
  } catch {
    throw new ServiceError(`${url.origin}${path} does not answer as Milepost does`)
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: Error }
  return cause?.message ?? message
}

/** The rules that the service has in force, for the program's time zone and money. */
export async function httpProgram(service: HttpTill, id: string): Promise<Program> {
  const { status, body } = await askService(service, { path: '/v1/rules', most: 3 })
  if (status !== 200) {
    const problem = `${String(body.code ?? status)} ${String(body.detail ?? '')}`
    throw new ServiceError(`${service.url.origin} does not tell its rules: ${problem.trimEnd()}`)
  }
  if (body.program !== id) {
    throw new ServiceError(`the key is for program ${String(body.program)}, not for ${id}`)
  }
  const files = new Map(Object.entries(body.files as Record<string, string>))
  const { program, errors } = loadProgram(files)
  if (!program) {
    throw new ServiceError(
      `${service.url.origin} has rules that this Milepost cannot read: ${errors[0]?.message}`,
    )
  }
  return program
}
