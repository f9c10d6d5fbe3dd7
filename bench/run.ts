/** The benchmarks by name: `npm run bench -- earn`. */
import { nearest } from '../src/base/nearest.ts'
import { benchEarn } from './earn.ts'
import { earnHelp } from './earn-options.ts'

const help = `Usage: npm run bench -- <name> [options]

  earn    sales per second, beside pgbench's TPC-B on the same database server
  help    this text; \`npm run bench -- earn --help\` for a benchmark's options
`

async function main([name, ...rest]: string[]): Promise<void> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    console.log(name !== undefined && rest[0] === 'earn' ? earnHelp : help)
    return
  }
  if (name !== 'earn') {
    const near = nearest(name, ['earn', 'help'])
    console.error(`There is no benchmark "${name}"${near ? `: did you mean "${near}"?` : ''}\n\n${help}`)
    process.exitCode = 2
    return
  }
  process.exitCode = await benchEarn(rest)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
