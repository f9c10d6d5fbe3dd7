/**
 * A till that posts straight into the lane of this process, under the source `till-feed`. The requests are
 * the ones that the HTTP till sends, so that either finds what the other has posted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DomainError } from '../base/errors.ts'
import { readId } from '../base/ids.ts'
import { newCommand, type Request } from '../engine/command.ts'
import type { Lane } from '../engine/lane.ts'
import type { Posted, Till } from './feed-post.ts'

export const FEED_SOURCE = 'till-feed'

/** A full queue or a restarting database: about half a minute in all before it is given up. */
const PAUSES = [50, 200, 500, 1_000, 2_000, 4_000, 8_000, 16_000]

export interface LaneTill {
  readonly lane: Lane
  readonly program: string
  now(): Date
}

export function laneTill({ lane, program, now }: LaneTill): Till {
  async function ask(ref: string, request: Request): Promise<Posted> {
    for (let tries = 0; ; tries += 1) {
      try {
        const command = newCommand({ program, source: FEED_SOURCE, ref, at: now() }, request)
        const { body, replayed } = await lane.run(command)
        return { outcome: replayed ? 'replayed' : 'posted', reply: JSON.parse(body) }
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        const passes = error.code === 'queue_full' || error.code === 'database_unavailable'
        if (!passes) return { outcome: 'refused', reason: error.code, detail: detailOf(error) }
        const pause = PAUSES[tries]
        if (pause === undefined) throw error
        await sleep(pause)
      }
    }
  }

  return {
    enrol: (body) => ask(body.externalRef, { kind: 'enrol', body }),
    sale: (body) => ask(body.externalRef, { kind: 'earn', body }),
    takeBack: (id, body) => {
      const transactionId = readId('transaction', id, 'transaction_not_found')
      return ask(body.externalRef, { kind: 'return', transactionId, body })
    },
  }
}

/** `date_out_of_range {"occurredAt": …}` */
export function detailOf({ code, message, details }: DomainError): string {
  const facts = Object.keys(details).length === 0 ? '' : ` ${JSON.stringify(details)}`
  return message === code ? `${code}${facts}` : `${code}: ${message}${facts}`
}
