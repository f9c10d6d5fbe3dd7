/** `milepost migrate`: brings the database up to date. The service does the same when it starts. */
import { migrate } from '../db/migrate.ts'
import type { CliCommand } from './command-line.ts'
import { openDatabase } from './installation.ts'
import { count } from './terminal.ts'

export const migrateCommand: CliCommand = {
  about: ['Forward only, and safe to run anywhere and at once: the second one finds nothing to do.'],
  options: { json: { about: 'what was done, as JSON' } },
  examples: ['milepost migrate', 'DATABASE_URL=postgres://milepost@db/milepost milepost migrate --json'],
  async run(call) {
    const { sql } = await openDatabase(call)
    const { applied, version } = await migrate(sql, { now: call.now() })
    if (call.words.flag('json')) call.terminal.json({ applied, version })
    else {
      for (const file of applied) call.terminal.print(`ran ${file}`)
      call.terminal.print(`${count(applied.length, 'migration')} run, the schema is at ${version}`)
    }
    return 0
  },
}
