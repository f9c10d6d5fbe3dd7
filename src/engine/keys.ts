/**
 * API keys: a program, a source and scopes. The key itself is shown once; only its hash is kept. A key is
 * 256 random bits, so a plain SHA-256 cannot be guessed back.
 */
import { createHash, randomBytes } from 'node:crypto'
import { DomainError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Sql } from '../db/connection.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import { insertKey, type KeyRow, markRevoked, programExists, readKeyByHash, readKeys } from './queries.ts'

export const scopes = [
  'members:read',
  'members:write',
  'transactions:write',
  'redemptions:write',
  'rules:read',
  'rules:write',
  'retention:read',
  'admin',
] as const
export type Scope = (typeof scopes)[number]

export interface ApiKey {
  readonly keyId: string
  readonly program: string
  /** who writes with it: a till operator, a partner, the console */
  readonly source: string
  readonly scopes: readonly Scope[]
  readonly createdAt: Date
  readonly revokedAt: Date | null
}

/** `mp_` and 256 bits as base64url. */
const KEY = /^mp_[A-Za-z0-9_-]{43}$/

/** Makes a key and returns its text, the only time that it can be read. */
export async function createKey(
  sql: Sql,
  input: { program: string; source: string; scopes: readonly Scope[]; now: Date },
): Promise<{ keyId: string; key: string }> {
  // Under this name stands what the service tells of itself.
  if (input.source === ENGINE_SOURCE)
    throw new DomainError(
      'malformed_request',
      { path: '/source' },
      `"${ENGINE_SOURCE}" is no source for a key`,
    )
  if (!(await programExists(sql, input.program))) {
    throw new DomainError('program_not_found', { program: input.program })
  }
  const key = `mp_${randomBytes(32).toString('base64url')}`
  const keyId = newId()
  await insertKey(sql, {
    key_id: keyId,
    program: input.program,
    source: input.source,
    scopes: [...input.scopes],
    created_at: input.now,
    revoked_at: null,
    hash: hashOf(key),
  })
  return { keyId, key }
}

/** Whose key this is; null for one that is not known or was revoked. */
export async function findKey(sql: Sql, key: string): Promise<ApiKey | null> {
  if (!KEY.test(key)) return null
  const row = await readKeyByHash(sql, hashOf(key))
  return row === null ? null : apiKey(row)
}

export async function listKeys(sql: Sql): Promise<ApiKey[]> {
  return (await readKeys(sql)).map(apiKey)
}

/** False where there is no such key, or it was revoked before. */
export async function revokeKey(sql: Sql, keyId: string, now: Date): Promise<boolean> {
  return markRevoked(sql, keyId, now)
}

function apiKey(row: KeyRow): ApiKey {
  return {
    keyId: row.key_id,
    program: row.program,
    source: row.source,
    scopes: row.scopes.filter((scope): scope is Scope => (scopes as readonly string[]).includes(scope)),
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
