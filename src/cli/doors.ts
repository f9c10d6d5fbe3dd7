/**
 * What the command line gets from the rooms beside it on its floor: the HTTP application, its OpenAPI document
 * and its reading of bodies. The composition root hands them in, because rooms of one floor do not know each other.
 */
import type { DomainError } from '../base/errors.ts'
import type { LogLevel } from '../config.ts'
import type { Sql } from '../db/connection.ts'
import type { TransactionBody } from '../earning/transaction.ts'
import type { Lane } from '../engine/lane.ts'
import type { Programs } from '../engine/programs.ts'

export interface Doors {
  createFront(): Promise<Front>
  openapiDocument(): Promise<object>
  /** the body of a sale that is to be quoted, checked as the API checks it */
  readQuotedSale(value: unknown): Promise<TransactionBody>
  /** a refusal in one sentence, as the API tells it */
  wordsOf(refusal: DomainError): Promise<string>
}

/** The HTTP side of one service; it is there before the lane, to which it gives an ear for its metrics. */
export interface Front {
  onGroup(group: { size: number; seconds: number }): void
  build(deps: FrontDeps): Promise<HttpApp>
}

export interface FrontDeps {
  readonly sql: Sql
  readonly lane: Lane
  readonly programs: Programs
  readonly dataFolder: string
  readonly logLevel: LogLevel
  readonly logTo: { write(line: string): void }
  readonly rateLimitPerMinute: number
  now(): Date
}

export interface HttpApp {
  listen(at: { host: string; port: number }): Promise<string>
  /** stops accepting, lets running requests finish */
  close(): Promise<void>
}
