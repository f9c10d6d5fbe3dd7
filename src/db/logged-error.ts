/**
 * An error as it is logged. A database error's message and detail can quote what a client sent (a card
 * number, a phone number), so of those only the codes, the names and our own frames are kept.
 */
export function loggedError(
  error: Error & { code?: unknown; table_name?: unknown; constraint_name?: unknown },
): Record<string, unknown> & { type: string; message: string; stack: string } {
  const { name, code, stack = '' } = error
  if (name !== 'PostgresError') return { type: name, message: error.message, code, stack }
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  return {
    type: name,
    message: `the database refused with ${String(code)}`,
    table: error.table_name,
    constraint: error.constraint_name,
    stack: frames.join('\n'),
  }
}
