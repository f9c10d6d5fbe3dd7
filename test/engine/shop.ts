/** A small shop's rules, and requests to it. */
import type { Request } from '../../src/engine/command.ts'

export const RULES = `
program: shop
timeZone: Europe/Berlin
money: EUR
currencies:
  points:
    kind: redeemable
    value: 0.01 EUR
    expires: 12 months, end of month
earn:
  - id: base
    on: purchase
    award: 1 point per 1 EUR of net
tiers:
  period: rolling 12 months
  ladder:
    - id: base
    - id: silver
      reach: { spend: 500 EUR }
`

type Earn = Extract<Request, { kind: 'earn' }>

export function sale(memberId: string, amount: string, ref = 'x', occurredAt = '2026-03-03T10:00:00Z'): Earn {
  const net = { amount, currency: 'EUR' }
  return {
    kind: 'earn',
    body: {
      externalRef: ref,
      type: 'purchase',
      memberId,
      occurredAt,
      lines: [{ lineId: '1', quantity: 1, net }],
    },
  }
}

export function redeem(memberId: string, points: number, hold?: { seconds: number }): Request {
  return {
    kind: 'redeem',
    body: { externalRef: 'r', memberId, currency: 'points', points, ...(hold && { hold }) },
  }
}
