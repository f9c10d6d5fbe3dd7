/** A thread of a run of scores: carries out the orders that it is sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import type { Order } from './crew.ts'
import { createStint, type Work } from './stint.ts'

invariant(parentPort, 'this file runs as a thread')
const port = parentPort
const stint = createStint(workerData as Work)

port.on('message', (order: Order) => {
  if (order.kind === 'score') {
    stint.score(order.stretch)
    port.postMessage(null)
    return
  }
  const told = stint.tell(order.stretch, order.memberIds)
  port.postMessage(told, [told.text.buffer])
})
