/** `milepost retention roll-out` and `stop`: a campaign's test is ended by hand. */
import { endTest } from '../retention/decide.ts'
import { theExperiment } from '../retention/shown.ts'
import type { Call, CliCommand } from './command-line.ts'
import { experimentInWords, openProgram } from './retention-campaign-commands.ts'

const program = { about: 'the program', value: 'ID', required: true } as const
const json = { about: 'the experiment as JSON' }
const ends =
  'It ends the test: nothing is looked at any more by plan, what the looks saw stays, and arms never change. It says ' +
  'who decided; the same again changes nothing, and the other decision may follow later.'

export const retentionRollOut: CliCommand = {
  operands: ['campaign'],
  about: [
    'From the next run of the job `campaigns` on everybody whom the campaign means and who has no arm yet gets this ' +
      'arm, but for the campaign\u2019s control and the standing holdout, who go on telling whether it helps.',
    ends,
  ],
  options: { program, arm: { about: 'the arm that all others get', value: 'ARM', required: true }, json },
  examples: ['milepost retention roll-out come-back --arm bonus --program gift-shop'],
  run: (call) => decide(call, call.words.required('arm')),
}

export const retentionStop: CliCommand = {
  operands: ['campaign'],
  about: ['From the next run of the job `campaigns` on the campaign treats nobody any more.', ends],
  options: { program, json },
  examples: ['milepost retention stop come-back --program gift-shop'],
  run: (call) => decide(call, null),
}

async function decide(call: Call, rollOut: string | null): Promise<number> {
  const { sql, rules } = await openProgram(call)
  const experiment = call.words.operands[0]!
  await endTest(sql, rules, { experiment, rollOut, by: 'command line', at: call.now() })
  const shown = await theExperiment(sql, rules, experiment)
  if (call.words.flag('json')) call.terminal.json(shown)
  else call.terminal.print(experimentInWords(shown))
  return 0
}
