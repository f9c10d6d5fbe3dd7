/** `milepost keys …`: make, list and revoke API keys. A key's text is shown once, when it is made. */

import { readId, showId } from '../base/ids.ts'
import { didYouMean } from '../base/nearest.ts'
import { createKey, listKeys, revokeKey, type Scope, scopes } from '../engine/keys.ts'
import { createPrograms } from '../engine/programs.ts'
import { type CliCommand, UsageError } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { table } from './terminal.ts'

/** `all`, or names separated by commas. */
function readScopes(text: string): Scope[] {
  if (text === 'all') return [...scopes]
  const wanted = new Set(text.split(',').map((name) => name.trim()))
  for (const name of wanted) {
    if ((scopes as readonly string[]).includes(name)) continue
    throw new UsageError(
      `there is no scope "${name}": all, or some of ${scopes.join(', ')}`,
      didYouMean(name, ['all', ...scopes]),
    )
  }
  return scopes.filter((scope) => wanted.has(scope))
}

const SOURCE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export const keysCreate: CliCommand = {
  about: [
    'The source says who writes with the key (a till operator, a partner, the console); the externalRef of a ' +
      'write is unique within it. The key is shown once: only its hash is kept.',
    `Scopes: ${scopes.join(', ')}.`,
  ],
  options: {
    program: { about: 'the program that it opens', value: 'PROGRAM', required: true },
    source: { about: 'who writes with it', value: 'SOURCE', required: true },
    scopes: { about: 'what it may do: all, or names with commas between', value: 'SCOPES', required: true },
    json: { about: 'the key as JSON' },
  },
  examples: [
    'milepost keys create --program corner-coffee --source till --scopes members:write,transactions:write',
    'milepost keys create --program corner-coffee --source console --scopes all --json',
  ],
  async run(call) {
    const program = call.words.required('program')
    const source = call.words.required('source')
    const wanted = readScopes(call.words.required('scopes'))
    if (!SOURCE.test(source))
      throw new UsageError(`a source is letters, digits, dots and dashes, not "${source}"`)
    const { sql } = await openMigrated(call)
    const known = (await createPrograms(sql)).ids()
    if (!known.includes(program)) {
      const hint = didYouMean(program, known) ?? 'milepost rules publish <folder> comes first'
      call.terminal.note(`no program "${program}" is published; ${hint}`)
    }
    const made = await createKey(sql, { program, source, scopes: wanted, now: call.now() })
    const keyId = showId('key', made.keyId)
    if (call.words.flag('json')) call.terminal.json({ keyId, key: made.key, program, source, scopes: wanted })
    else {
      call.terminal.print(made.key)
      call.terminal.note(`${keyId} for ${program}, source ${source}: keep the key, it is not shown again`)
    }
    return 0
  },
}

export const keysList: CliCommand = {
  options: {
    program: { about: 'this program’s alone', value: 'PROGRAM' },
    json: { about: 'the list as JSON' },
  },
  examples: ['milepost keys list', 'milepost keys list --program corner-coffee --json'],
  async run(call) {
    const { sql } = await openMigrated(call)
    const only = call.words.text('program')
    const keys = (await listKeys(sql))
      .filter(({ program }) => only === undefined || program === only)
      .map((key) => ({ ...key, keyId: showId('key', key.keyId) }))
    if (call.words.flag('json')) call.terminal.json({ keys })
    else if (keys.length === 0) call.terminal.print('no keys: milepost keys create --help')
    else {
      const rows = keys.map(({ keyId, program, source, scopes: may, revokedAt }) => [
        ...[keyId, program, source, revokedAt === null ? 'in use' : `revoked ${revokedAt.toISOString()}`],
        may.length === scopes.length ? 'all' : may.join(','),
      ])
      call.terminal.print(table([['key', 'program', 'source', 'state', 'scopes'], ...rows]))
    }
    return 0
  },
}

export const keysRevoke: CliCommand = {
  operands: ['key_…'],
  options: { json: { about: 'the result as JSON' } },
  examples: ['milepost keys revoke key_0198c0ffee0070008000000000000001'],
  async run(call) {
    const shown = call.words.operands[0]!
    const keyId = readId('key', shown, 'unauthenticated')
    const { sql } = await openMigrated(call)
    const revoked = await revokeKey(sql, keyId, call.now())
    if (call.words.flag('json')) call.terminal.json({ keyId: shown, revoked })
    else call.terminal.print(revoked ? `${shown} is revoked` : `there is no key ${shown} in use`)
    return revoked ? 0 : 1
  },
}
