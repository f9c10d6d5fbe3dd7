/** The environment: what is taken when nothing is said, what is refused, and what the refusal says. */
import t from 'tap'
import { ConfigError, readConfig } from '../src/config.ts'

t.test('without any variable', async (t) => {
  const config = readConfig({ HOME: '/home/x', MILE: 'not ours' })
  t.strictSame(config, {
    host: '127.0.0.1',
    port: 8080,
    databaseUrl: null,
    dataFolder: '.milepost',
    programsFolder: 'rules',
    logLevel: 'info',
    lanes: 2,
    queue: 10_000,
    rateLimit: 60_000,
    eventDays: 90,
  })
  t.ok(Object.isFrozen(config))
})

t.test('a value that can be is taken', async (t) => {
  const rows = [
    ['PORT', '0', { port: 0 }],
    ['PORT', ' 65535 ', { port: 65_535 }],
    ['PORT', '', { port: 8080 }],
    ['HOST', '::', { host: '::' }],
    ['LOG_LEVEL', 'WARN', { logLevel: 'warn' }],
    ['DATABASE_URL', 'postgresql://u:p@db/x', { databaseUrl: 'postgresql://u:p@db/x' }],
    ['MILEPOST_DATA', '/srv/points', { dataFolder: '/srv/points' }],
    ['MILEPOST_PROGRAMS', 'programs', { programsFolder: 'programs' }],
    ['MILEPOST_LANES', '8', { lanes: 8 }],
    ['MILEPOST_QUEUE', '1', { queue: 1 }],
    ['MILEPOST_RATE_LIMIT', '600', { rateLimit: 600 }],
  ] as const
  for (const [name, value, expected] of rows) {
    t.match(readConfig({ [name]: value }), expected, `${name}=${value}`)
  }
})

t.test('a value that cannot be is refused, and the message says what can', async (t) => {
  const rows = [
    ['PORT', '65536', /^PORT=65536: expected a whole number from 0 to 65535$/],
    ['PORT', '80.5', /expected a whole number/],
    ['PORT', '-1', /expected a whole number/],
    ['PORT', '0x50', /expected a whole number/],
    ['LOG_LEVEL', 'wran', /expected one of silent, .*did you mean warn\?/],
    ['DATABASE_URL', 'mysql://u:secret@db/x', /expected postgres:/],
    ['DATABASE_URL', 'secret', /expected postgres:/],
    ['MILEPOST_LANES', '0', /from 1 to 64/],
    ['MILEPOST_DATTA', 'x', /^MILEPOST_DATTA is no setting of Milepost: did you mean MILEPOST_DATA\?$/],
    ['MILEPOST_RATELIMIT', '1', /did you mean MILEPOST_RATE_LIMIT\?/],
    ['MILEPOST_XYZZY', '1', /known are MILEPOST_DATA, MILEPOST_PROGRAMS, /],
  ] as const
  for (const [name, value, message] of rows) {
    t.throws(() => readConfig({ [name]: value }), { name: 'ConfigError', message }, `${name}=${value}`)
  }
})

t.test('all faults are told at once, and no password with them', async (t) => {
  try {
    readConfig({ PORT: 'x', LOG_LEVEL: 'y', DATABASE_URL: 'http://u:secret@h/', MILEPOST_NO: '1' })
    t.fail('refused')
  } catch (error) {
    t.ok(error instanceof ConfigError)
    t.equal((error as ConfigError).faults.length, 4)
    t.notMatch((error as ConfigError).message, /secret/)
  }
})
