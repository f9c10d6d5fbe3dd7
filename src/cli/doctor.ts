/** `milepost doctor`: one screen that says whether this installation is healthy, and what to do where not. */
import { readConfig } from '../config.ts'
import type { Call, CliCommand } from './command-line.ts'
import {
  checkJobs,
  checkMigrations,
  checkNode,
  checkOutbox,
  checkPartitions,
  checkPrograms,
  checkSchema,
  checkServer,
  checkService,
  type Finding,
  type Patient,
  problem,
} from './doctor-checks.ts'
import { openDatabase } from './installation.ts'
import { serverFacts } from './queries.ts'
import type { Style } from './terminal.ts'

export const doctorCommand: CliCommand = {
  about: [
    'Looks at node, the database and its settings, migrations, schema, partitions, programs, keys, the running ' +
      'service, the outbox and the jobs. It changes nothing. Exit code 1 when there is a problem.',
  ],
  options: { json: { about: 'the findings as JSON' } },
  examples: ['milepost doctor', 'milepost doctor --json'],
  async run(call) {
    const findings = await examine(call)
    const healthy = findings.every(({ state }) => state !== 'problem')
    if (call.words.flag('json')) call.terminal.json({ healthy, findings })
    else {
      const width = Math.max(...findings.map(({ check }) => check.length))
      for (const finding of findings) call.terminal.print(lineOf(call, finding, width))
    }
    return healthy ? 0 : 1
  },
}

async function examine(call: Call): Promise<Finding[]> {
  const findings = [checkNode()]
  const patient = await reach(call)
  if (!('sql' in patient)) return [...findings, patient]
  findings.push(...(await checkServer(patient)))
  const migrations = await checkMigrations(patient)
  findings.push(migrations, await checkService(patient))
  // Without the tables there is nothing to look at.
  if (migrations.state !== 'ok') return findings
  for (const check of [checkSchema, checkPartitions, checkPrograms, checkOutbox, checkJobs]) {
    findings.push(...(await guarded(check, patient)))
  }
  return findings
}

/** The database, or the finding that it is not to be had. */
async function reach(call: Call): Promise<Patient | Finding> {
  // a setting that cannot be is wrong usage, and told as such
  const config = readConfig(call.env)
  try {
    const { sql } = await openDatabase(call)
    await serverFacts(sql)
    return { config, sql, now: call.now() }
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    const advice =
      config.databaseUrl === null ? `see ${config.dataFolder}/postgres/server.log` : 'look at DATABASE_URL'
    return problem('database', `cannot be reached: ${message || code}`, advice)
  }
}

/** A check that cannot be made is a finding, and no reason to leave the others out. */
async function guarded(
  check: (patient: Patient) => Promise<Finding | Finding[]>,
  patient: Patient,
): Promise<Finding[]> {
  try {
    return [await check(patient)].flat()
  } catch (error) {
    const name = check.name.replace('check', '').toLowerCase()
    return [problem(name, `cannot be looked at: ${(error as Error).message}`, 'see the other findings')]
  }
}

const looks: Readonly<Record<Finding['state'], Style>> = { ok: 'green', warning: 'yellow', problem: 'red' }

function lineOf({ terminal }: Call, { check, state, detail, advice }: Finding, width: number): string {
  const mark = terminal.style(looks[state], state.padEnd(7))
  return `${mark}  ${check.padEnd(width)}  ${detail}${advice === undefined ? '' : `\n${' '.repeat(width + 11)}→ ${advice}`}`
}
