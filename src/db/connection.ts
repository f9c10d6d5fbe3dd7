/**
 * Connections to PostgreSQL, with the types that the whole program relies on: bigint is BigInt, numeric
 * stays text (Decimal reads it), timestamptz is Date, and a calendar day stays `YYYY-MM-DD`.
 */
import { Socket } from 'node:net'
import postgres from 'postgres'
import { invariant } from '../base/errors.ts'

const types = {
  bigint: postgres.BigInt,
  day: { to: 1082, from: [1082], serialize: (day: string) => day, parse: (day: string) => day },
}

type Types = { bigint: bigint; day: string }

/** A pool of connections. */
export type Sql = postgres.Sql<Types>
/** A database transaction. */
export type Tx = postgres.TransactionSql<Types>
/** Whatever runs a query: the first argument of every query function. */
export type Executor = postgres.ISql<Types>

export interface ConnectOptions {
  /** connections at most; they are opened as they are needed */
  readonly max: number
  /** shows in pg_stat_activity */
  readonly name?: string
  /** settings of the session, such as `laneSettings` */
  readonly settings?: Readonly<Record<string, string>>
  /** one connection that is only there to be there: kept for good, and its end is told */
  readonly onClose?: () => void
}

/**
 * Nested loops over indexes only. A multi-row update then touches its rows in the order in which they are
 * given, so every group takes its locks in the order of member ids, and two groups never wait for each
 * other in a circle; a hash or merge join would take them in an order of its own.
 */
export const laneSettings = {
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_seqscan: 'off',
  // These statements have one good plan each, whatever the values; planning them again costs more than they do.
  plan_cache_mode: 'force_generic_plan',
} as const

const SERVER_DECIDES = 0
/** Makes the first message of a connection as long as the driver sends at once; spaces set nothing. */
const PADDING = ' '.repeat(1024)
/** Version 3.0 of the protocol, which stands after the length of a connection's first message. */
const STARTUP = Buffer.from([0, 3, 0, 0])

export function connect(url: string, options: ConnectOptions): Sql {
  // `socket` is the driver's, though its types do not know it.
  const settings: postgres.Options<typeof types> & { socket: typeof openSocket } = {
    max: options.max,
    connect_timeout: 10,
    backoff: secondsBeforeReconnecting,
    types,
    connection: { application_name: options.name ?? 'milepost', options: PADDING, ...options.settings },
    onnotice: () => {},
    socket: openSocket,
    // otherwise the driver renews each connection after half an hour to an hour
    ...(options.onClose ? { onclose: options.onClose, max_lifetime: null, fetch_types: false } : {}),
  }
  const sql = postgres(url, settings)
  if (!options.onClose) readArrayTypesOnce(sql)
  addresses.set(sql, url)
  return sql
}

const addresses = new WeakMap<Sql, string>()

/** Where a pool is connected to, for a thread that opens one of its own. */
export function addressOf(sql: Sql): string {
  const url = addresses.get(sql)
  invariant(url !== undefined, 'every pool was opened by connect')
  return url
}

/**
 * How long a lost connection waits before it is opened again. The driver's own wait grows to twenty seconds,
 * and its count of failures starts anew only when a statement, not just a connection, came through.
 */
function secondsBeforeReconnecting(failures: number): number {
  return Math.min(0.01 * 2 ** failures, 0.5) * (0.5 + Math.random() / 2)
}

/**
 * A socket that sends at once. The driver writes a group's statements in pieces; with Nagle's algorithm the
 * last piece waits for the server's acknowledgement, which the server delays by some 40 ms because it
 * waits for the last piece. The socket may still be connecting: what is written to it waits.
 */
function openSocket({ path, host, port }: SocketAddress): Socket {
  const socket = gathering(new LingeringSocket())
  if (path) return socket.connect({ path })
  return socket.connect({ host: host[0] ?? 'localhost', port: port[0] ?? 5432, noDelay: true })
}

/**
 * Two ways in which the driver does not survive the loss of its server (porsager/postgres, issues 1154 and
 * 1208). It forgets its socket as soon as that is closed, and a statement that comes afterwards, such as
 * the rollback of the transaction that was just told of the loss, ends the process with an error that
 * nobody can catch: so the statements under way are told first, what they provoke is written to the dead
 * socket, and only then the driver hears that it is closed. And what it had not yet written stays in front
 * of what the next connection writes first, which without PADDING it would never send: that is cut off.
 */
class LingeringSocket extends Socket {
  #started = false

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const whole = this.#started ? chunk : fromStartup(chunk)
    this.#started = true
    super._write(whole, encoding, done)
  }

  /** What several statements of one turn of the event loop say, in one piece: one system call. */
  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer' as BufferEncoding, done)
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event !== 'close') return super.emit(event, ...args)
    const tell = () => this.listenerCount('error') > 0 && super.emit('error', lostConnection())
    tell()
    // The driver writes in the next turn of the event loop; the second one is after that.
    setImmediate(() =>
      setImmediate(() => {
        tell()
        super.emit('close', ...args)
      }),
    )
    return true
  }
}

/**
 * Holds what is written until this turn of the event loop has no more to say. A group's statements are
 * some twenty writes, and each would otherwise be a system call that wakes the server.
 */
function gathering(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  socket.write = ((...args: unknown[]) => {
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    return write(...args)
  }) as Socket['write']
  return socket
}

/** The first message begins with its length, which is that of all the rest. */
function fromStartup(chunk: Buffer): Buffer {
  for (let at = chunk.indexOf(STARTUP); at >= 4; at = chunk.indexOf(STARTUP, at + 1)) {
    const start = at - 4
    if (chunk.readInt32BE(start) === chunk.length - start) return chunk.subarray(start)
  }
  return chunk
}

function lostConnection(): Error {
  return Object.assign(new Error('the connection to the database is closed'), { code: 'CONNECTION_CLOSED' })
}

interface SocketAddress {
  readonly path?: string | false
  readonly host: readonly string[]
  readonly port: readonly number[]
}

/**
 * The driver reads the array types on every new connection, and if the server goes away just then, nobody
 * hears of the failed query but Node, which ends the process. All connections of a pool share what was
 * read, so once is enough, and a pool that reconnects to a server in trouble runs no such risk.
 */
function readArrayTypesOnce(sql: Sql): void {
  const { shared } = sql.options as unknown as { shared: { typeArrayMap: object } }
  Object.defineProperty(sql.options, 'fetch_types', {
    get: () => Object.keys(shared.typeArrayMap).length === 0,
  })
}

/**
 * An array as one parameter, `${list(sql, points)}::bigint[]`. The driver takes an array's type from its
 * first element, and would send bigints, dates and booleans as one single value of theirs. Nulls may go
 * in, but not out: of an array in a result the driver reads a null as the text NULL, so select rows.
 */
export function list(sql: Executor, values: readonly (bigint | Date | boolean | number | string | null)[]) {
  return sql.typed(values, SERVER_DECIDES)
}
