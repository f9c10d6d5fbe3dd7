/**
 * What `serve --demo` adds: the programs of the folder published, a key for each, and three commands to
 * paste. Keys are kept in the data folder, readable by their owner alone, because a demo that prints
 * another key at each start would make a liar of every note somebody took.
 */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError, invariant } from '../base/errors.ts'
import type { Config } from '../config.ts'
import type { Sql } from '../db/connection.ts'
import { createKey, findKey, scopes } from '../engine/keys.ts'
import { publish } from '../engine/publish.ts'
import type { Program } from '../program/program.ts'
import type { Call } from './command-line.ts'
import { faultText, readSources } from './rule-files.ts'

export interface DemoKey {
  readonly program: string
  readonly key: string
  /** when the key was made, a whole minute: the demo's sale is of then, so that pasting it again is a replay */
  readonly at: string
}

const FILE = 'demo-keys.json'
const SOURCE = 'demo'

/** Publishes the folder's programs. Refuses the start when one of them has errors. */
export async function publishDemo(
  call: Call,
  { sql, config }: { sql: Sql; config: Config },
): Promise<Program[]> {
  const published: Program[] = []
  for (const source of await readSources(config.programsFolder)) {
    for (const fault of source.errors) {
      call.terminal.note(faultText(fault, source, { label: 'error', look: call.terminal.noteStyle }))
    }
    if (source.program === null) throw new DomainError('rules_invalid', { program: source.path })
    await publish(sql, { files: source.files, by: SOURCE, now: call.now() })
    published.push(source.program)
  }
  return published
}

/** A key with every scope for each program: the one of last time where it still works. */
export async function demoKeys(
  call: Call,
  { sql, config, programs }: { sql: Sql; config: Config; programs: readonly string[] },
): Promise<DemoKey[]> {
  const file = join(config.dataFolder, FILE)
  const kept = await readKept(file)
  const keys: DemoKey[] = []
  for (const program of programs) keys.push(await keyFor(sql, { program, kept, now: call.now() }))
  await writeKept(file, [...kept.filter(({ program }) => !programs.includes(program)), ...keys])
  return keys
}

async function keyFor(
  sql: Sql,
  { program, kept, now }: { program: string; kept: readonly DemoKey[]; now: Date },
): Promise<DemoKey> {
  const old = kept.find((each) => each.program === program)
  if (old) {
    const found = await findKey(sql, old.key)
    if (found?.program === program && found.revokedAt === null) return old
  }
  const { key } = await createKey(sql, { program, source: SOURCE, scopes, now })
  return { program, key, at: `${now.toISOString().slice(0, 16)}:00Z` }
}

async function readKept(file: string): Promise<DemoKey[]> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as DemoKey[]
    const isKey = ({ program, key, at }: DemoKey) =>
      [program, key, at].every((text) => typeof text === 'string')
    return Array.isArray(kept) ? kept.filter(isKey) : []
  } catch {
    // No file yet, or one that is no longer whole: the keys are made anew.
    return []
  }
}

async function writeKept(file: string, keys: readonly DemoKey[]): Promise<void> {
  const side = `${file}.writing-${process.pid}`
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(side, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 })
  await chmod(side, 0o600)
  await rename(side, file)
}

/** The program to show: one whose purchases need nothing but a line. */
export function shownProgram(programs: readonly Program[]): Program | null {
  const plain = (program: Program) => {
    const type = program.transactionTypes.get('purchase')
    const fields = type ? [...type.fields.values(), ...type.lineFields.values()] : []
    return type !== undefined && fields.every(({ required }) => !required)
  }
  return programs.find(plain) ?? null
}

/** Enrol, sell, read the balance: three lines for bash that may be pasted again and again. */
export function curlLines(url: string, { key, at, program }: DemoKey, money: string): string[] {
  const stamp = at.replace(/\D/g, '').slice(0, 12)
  invariant(/^[A-Za-z0-9_-]+$/.test(key), 'a key needs no quoting')
  const card = { kind: 'card', value: `demo-${stamp}` }
  const auth = `-H 'authorization: Bearer ${key}'`
  const post = (path: string, body: object) =>
    `curl -sS ${url}/v1/${path} ${auth} -H 'content-type: application/json' -d '${JSON.stringify(body)}'; echo`
  const member = {
    externalRef: `demo-${stamp}`,
    identifiers: [card],
    profile: { name: 'Ada' },
    enrolledAt: at,
  }
  const sale = {
    externalRef: `demo-${program}-${stamp}-1`,
    type: 'purchase',
    identifier: card,
    occurredAt: at,
    lines: [
      {
        lineId: '1',
        sku: 'CAPPUCCINO',
        category: 'coffee',
        quantity: 1,
        net: { amount: '3.80', currency: money },
      },
      { lineId: '2', sku: 'BEANS-1KG', quantity: 1, net: { amount: '24.00', currency: money } },
    ],
  }
  const find = `curl -sS '${url}/v1/members?kind=card&value=${card.value}' ${auth} | grep -o 'mem_[0-9a-f]*' | head -1`
  return [
    post('members', member),
    post('transactions', sale),
    `curl -sS ${url}/v1/members/$(${find})/balance ${auth}; echo`,
  ]
}
