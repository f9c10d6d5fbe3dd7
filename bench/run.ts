/** The benchmarks by name: `npm run bench -- earn`. */
import { nearest } from '../src/base/nearest.ts'
import { benchEarn } from './earn.ts'
import { earnHelp } from './earn-options.ts'
import { benchModels, modelsHelp } from './models.ts'
import { benchRules, rulesHelp } from './rules.ts'
import { benchSimulate, simulateHelp } from './simulate.ts'
import { benchVerify, verifyHelp } from './verify.ts'

const help = `Usage: npm run bench -- <name> [options]

  earn      sales per second, beside pgbench's TPC-B on the same database server
  models    the time that the customer-base models and a run of scores take for a million members
  rules     a basket under 10 to 10,000 rules, beside json-rules-engine and zen-engine
  simulate  recorded sales replayed per second, beside only reading them
  verify    how long \`ledger verify\` and the reports take on a million entries
  help      this text; \`npm run bench -- earn --help\` for a benchmark's options
`

const benchmarks = new Map([
  ['earn', { run: benchEarn, help: earnHelp }],
  ['models', { run: benchModels, help: modelsHelp }],
  ['simulate', { run: benchSimulate, help: simulateHelp }],
  ['verify', { run: benchVerify, help: verifyHelp }],
  ['rules', { run: benchRules, help: rulesHelp }],
])

async function main([name, ...rest]: string[]): Promise<void> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    console.log((name !== undefined && benchmarks.get(rest[0] ?? '')?.help) || help)
    return
  }
  const benchmark = benchmarks.get(name)
  if (benchmark === undefined) {
    const near = nearest(name, [...benchmarks.keys(), 'help'])
    console.error(`There is no benchmark "${name}"${near ? `: did you mean "${near}"?` : ''}\n\n${help}`)
    process.exitCode = 2
    return
  }
  process.exitCode = await benchmark.run(rest)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
