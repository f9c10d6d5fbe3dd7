/** Commands that concern several members, or the end of a membership: which they are, and who decides them. */
import type { Request } from './command.ts'
import { decideClose, decideErase, decideReopen } from './decide-closing.ts'
import { decideMerge, decideUnmerge } from './decide-merge.ts'
import { decideCreatePool, decideJoinPool, decideLeavePool } from './decide-pool.ts'
import { decideTransfer } from './decide-transfer.ts'
import type { Deciding } from './deciding.ts'

const kinds = [
  'transfer',
  'create_pool',
  'join_pool',
  'leave_pool',
  'merge',
  'unmerge',
  'close',
  'reopen',
  'erase',
] as const

export type SharedRequest = Extract<Request, { kind: (typeof kinds)[number] }>

export function isShared(request: Request): request is SharedRequest {
  return (kinds as readonly string[]).includes(request.kind)
}

export function replyToShared(deciding: Deciding, request: SharedRequest): object {
  switch (request.kind) {
    case 'transfer':
      return decideTransfer(deciding, request.body)
    case 'create_pool':
      return decideCreatePool(deciding, request.body)
    case 'join_pool':
      return decideJoinPool(deciding, request.poolId)
    case 'leave_pool':
      return decideLeavePool(deciding, request.poolId)
    case 'merge':
      return decideMerge(deciding, request.body)
    case 'unmerge':
      return decideUnmerge(deciding, request.body)
    case 'close':
      return decideClose(deciding)
    case 'reopen':
      return decideReopen(deciding)
    case 'erase':
      return decideErase(deciding)
  }
}
