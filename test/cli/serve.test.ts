/** `milepost serve --demo` with its own PostgreSQL, as somebody meets it who has just cloned the project. */
import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { inWords } from '../../src/cli/serve-log.ts'
import { lookAt } from '../../src/db/postmaster.ts'
import { homeFor } from '../../src/db/runner.ts'
import { freePort, has } from '../support/running.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type Running, start } from './outside.ts'

t.setTimeout(600_000)

const skip = has('bash') && has('curl') ? false : 'bash and curl are not to be had'

async function serve(t: Parameters<typeof start>[0], data: string, demo = true) {
  const port = await freePort()
  const env = { MILEPOST_DATA: data, PORT: `${port}`, LOG_LEVEL: 'warn' }
  const service = start(t, ['serve', ...(demo ? ['--demo'] : [])], env)
  const url = `http://127.0.0.1:${port}`
  await until(`${url} is ready`, async () => {
    if (service.child.exitCode !== null)
      throw new Error(`ended with ${service.child.exitCode}: ${service.err()}`)
    return (await fetch(`${url}/health/live`).catch(() => null))?.ok ?? false
  })
  await until('the banner is printed', () => service.out().includes('health'))
  return { ...service, url, env }
}

function curlsOf({ out }: Pick<Running, 'out'>): string[] {
  return out()
    .split('\n')
    .filter((line) => line.startsWith('curl '))
}

async function paste(lines: readonly string[]): Promise<Record<string, never>[]> {
  const { stdout } = await promisify(execFile)('bash', ['-c', lines.join('\n')])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** Where its PostgreSQL is, by the pid file: in a container a process that has ended may keep its number. */
function lookAtDatabase(data: string) {
  return lookAt(join(homeFor(data).home, 'postgres', 'data'))
}

function isRunning(data: string): boolean {
  return lookAtDatabase(data).state !== 'none'
}

/** The number of its process; 0 while there is none that takes sessions. */
function postmaster(data: string): number {
  const found = lookAtDatabase(data)
  return found.state === 'ready' ? found.pid : 0
}

async function stop(service: Running, signal: NodeJS.Signals): Promise<number | null> {
  service.child.kill(signal)
  return (await service.ended).code
}

t.test('the curl lines work as they stand, again, and after a second start', { skip }, async (t) => {
  const data = join(temporaryFolder(t), 'data')
  const first = await serve(t, data)
  const lines = curlsOf(first)
  t.equal(lines.length, 3)
  t.match(first.out(), `${first.url}/docs`)
  t.match(first.out(), `${first.url}/health/ready`)

  const [member, sale, balance] = await paste(lines)
  t.match(sale, { memberId: member!.memberId, awards: [{ rule: 'base', points: 27 }] })
  t.match(balance, { memberId: member!.memberId, currencies: [{ available: 27 }] })
  const again = await paste(lines)
  t.strictSame(again.slice(0, 2), [member, sale])
  t.match(again[2], { currencies: [{ available: 27 }] })
  t.equal(statSync(join(data, 'demo-keys.json')).mode & 0o777, 0o600)

  t.ok(isRunning(data))
  t.equal(await stop(first, 'SIGTERM'), 0)
  t.notOk(isRunning(data), 'its PostgreSQL is gone')

  const second = await serve(t, data)
  const withoutHost = (line: string) => line.replaceAll(/127\.0\.0\.1:\d+/g, '')
  t.strictSame(curlsOf(second).map(withoutHost), lines.map(withoutHost), 'the same keys and the same sale')
  t.match((await paste(curlsOf(second)))[2], { memberId: member!.memberId, currencies: [{ available: 27 }] })
  t.equal(await stop(second, 'SIGINT'), 0)
  t.notOk(isRunning(data))
})

t.test('two services on one data folder, commands beside them, and a killed PostgreSQL', async (t) => {
  const data = join(temporaryFolder(t), 'data')
  const [one, two] = await Promise.all([serve(t, data), serve(t, data, false)])
  const database = postmaster(data)

  const listed = await start(t, ['keys', 'list', '--json'], { MILEPOST_DATA: data }).ended
  t.match(JSON.parse(listed.out).keys, [{ source: 'demo' }])
  t.equal(postmaster(data), database, 'a command leaves the server that it joined')

  const taken = await start(t, ['serve'], one.env).ended
  t.match(taken, { code: 1, err: /is taken by another program: .* PORT=/ })
  t.notMatch(taken.err, /^ +at /m, 'no stack')

  process.kill(database, 'SIGKILL')
  // the dead server's sessions answer for a moment longer, so its successor is waited for by its number
  await until('the service has brought its database back', async () => {
    if ([0, database].includes(postmaster(data))) return false
    return (await fetch(`${one.url}/health/ready`)).ok && (await fetch(`${two.url}/health/ready`)).ok
  })
  const revived = postmaster(data)
  t.not(revived, database)

  t.equal(await stop(one, 'SIGTERM'), 0)
  t.ok((await fetch(`${two.url}/health/ready`)).ok, 'the other one goes on')
  t.equal(postmaster(data), revived)
  t.equal(await stop(two, 'SIGTERM'), 0)
  t.notOk(isRunning(data), 'the last one out stops the server')
})

t.test('without a program it says what to do, and serves', async (t) => {
  const data = join(temporaryFolder(t), 'data')
  const service = await serve(t, data, false)
  t.match(service.err(), 'no program is published yet: milepost rules publish')
  t.equal((await fetch(`${service.url}/health/ready`)).status, 503)
  t.strictSame(curlsOf(service), [])
  t.equal(await stop(service, 'SIGTERM'), 0)
})

t.test('interrupted while it starts it leaves nothing behind', async (t) => {
  const data = join(temporaryFolder(t), 'data')
  const service = start(t, ['serve', '--demo'], { MILEPOST_DATA: data, PORT: `${await freePort()}` })
  await until('its PostgreSQL is starting', () => isRunning(data))
  t.equal(await stop(service, 'SIGINT'), 0)
  t.notOk(isRunning(data))
})

t.test('log lines in words', async (t) => {
  const at = new Date(2026, 2, 3, 9, 5, 7).getTime()
  const line = JSON.stringify({ level: 40, time: at, pid: 1, hostname: 'x', msg: 'away', retryIn: 2 })
  t.equal(inWords(line), '09:05:07 warn  away {"retryIn":2}')
  const failed = JSON.stringify({
    level: 50,
    time: at,
    msg: 'bug',
    err: { message: 'm', stack: 'Error: m\n  at x' },
  })
  t.equal(inWords(failed), '09:05:07 error bug\nError: m\n  at x')
  t.equal(inWords('no JSON\n'), 'no JSON')
})
