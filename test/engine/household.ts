/** Rules under which members give, pool and leave, and the requests to do so. */
import type { Request } from '../../src/engine/command.ts'

export const HOUSEHOLD = `
program: home
timeZone: Europe/Berlin
money: EUR
currencies:
  points:
    value: 0.01 EUR
    expires: 12 months, end of month
  stars: { pending: 14 days }
  credits: { kind: qualifying }
returns: negative
earn:
  - { id: base, on: purchase, award: 1 point per 1 EUR of net }
  - { id: starry, on: purchase, when: { channel: web }, award: 3 stars }
  - { id: status, on: purchase, award: 1 credit per 1 EUR of net }
tiers:
  period: calendar year
  validity: end of next period
  ladder:
    - { id: base }
    - { id: silver, reach: { credits: 500 } }
transfers:
  points:
pools: { members: 3 }
`

type Earn = Extract<Request, { kind: 'earn' }>

export function purchase(
  memberId: string,
  amount: number,
  more: { at?: string; channel?: string; identifier?: { kind: string; value: string } } = {},
): Earn {
  const { at = '2026-03-03T10:00:00Z', channel, identifier } = more
  const net = { amount: amount.toFixed(2), currency: 'EUR' }
  return {
    kind: 'earn',
    body: {
      externalRef: 'any',
      type: 'purchase',
      ...(identifier ? { identifier } : { memberId }),
      occurredAt: at,
      lines: [{ lineId: '1', quantity: 1, net }],
      ...(channel && { channel }),
    },
  }
}

export function give(from: string, to: string, points: number, currency = 'points'): Request {
  const body = { externalRef: 'any', from: { memberId: from }, to: { memberId: to }, currency, points }
  return { kind: 'transfer', body }
}

export function spend(
  memberId: string,
  points: number,
  more: { usePool?: boolean; hold?: { seconds: number } } = {},
): Request {
  return { kind: 'redeem', body: { externalRef: 'any', memberId, currency: 'points', points, ...more } }
}

export function pool(...members: string[]): Request {
  return { kind: 'create_pool', body: { externalRef: 'any', members } }
}

export function join(poolId: string, memberId: string): Request {
  return { kind: 'join_pool', poolId, body: { memberId } }
}

export function merging(kind: 'merge' | 'unmerge', memberId: string, duplicate: string): Request {
  return { kind, memberId, body: { externalRef: 'any', duplicate } }
}

export function ending(kind: 'close' | 'reopen' | 'erase', memberId: string): Request {
  return { kind, memberId, body: { externalRef: 'any' } }
}

export function giveBack(transactionId: string): Request {
  return {
    kind: 'return',
    transactionId,
    body: { externalRef: 'any', occurredAt: '2026-03-03T10:00:00Z', all: true },
  }
}
