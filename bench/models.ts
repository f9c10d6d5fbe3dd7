/**
 * How long the customer-base models take: members simulated from Pareto/NBD on a clock of weeks, merged into
 * cells, fitted, and asked one by one; this one thread's own time, so that other work on the machine counts
 * little. Then a whole run of scores, from the table of rows to the written file.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { compress, type History } from '../src/retention/cell.ts'
import { fitModels, type ModelName } from '../src/retention/model.ts'
import { seeded, simulate } from '../test/support/buyers.ts'
import { benchScores, LAW } from './scores.ts'

export const modelsHelp = `Usage: npm run bench -- models [options]

  --members N   how many to simulate (1000000)
  --weeks N     the oldest has been a member for so long (104)
  --seed N      another seed, other members (1)
  --threads N   that score; 0 is none beside the main one (as many as there are processors)
  --scores      the run of scores alone, so that its memory is its own
`

const HORIZON = 26
const CHUNK = 10_000

export async function benchModels(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      members: { type: 'string', default: '1000000' },
      weeks: { type: 'string', default: '104' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      scores: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [members, weeks, seed] = [Number(values.members), Number(values.weeks), Number(values.seed)]
  const threads = Number(values.threads)
  const isWhole = [members, weeks, seed, threads].every(Number.isSafeInteger)
  const wrong = !isWhole || members < 1 || weeks < 1 || threads < 0
  if (values.help || wrong) {
    console[wrong ? 'error' : 'log'](modelsHelp)
    return wrong ? 2 : 0
  }
  if (!values.scores) fits({ members, weeks, seed })
  await benchScores({ members, weeks, seed, threads })
  return 0
}

function fits({ members, weeks, seed }: Record<'members' | 'weeks' | 'seed', number>): void {
  const histories = [...weekly({ members, weeks, seed })]
  const cells = timed('merged into cells', () => compress(histories))
  console.log(`${' '.repeat(24)}${cells.length} cells of ${members} members`)
  const names: readonly ModelName[] = ['nbd', 'bg_nbd', 'pareto_nbd', 'mbg_cnbd_k']
  for (const name of names) timed(`fitted ${name}`, () => fitModels(cells, { models: [name] }))
  const { all, best } = timed('fitted all of them', () => fitModels(cells))
  for (const { name, parameters, bic } of all) {
    const shown = Object.entries(parameters).map(([key, value]) => `${key} ${value.toPrecision(4)}`)
    console.log(`${' '.repeat(24)}${name}: ${shown.join(', ')}; BIC ${bic.toFixed(0)}`)
  }
  timed('asked every member', () => {
    let sum = 0
    for (const history of histories) sum += best.pSilent(history, HORIZON)
    return sum
  })
  console.log(`${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB in use, the histories among them\n`)
}

/** At most one purchase a week counts, as for a member's weeks with a purchase. */
function* weekly({ members, weeks, seed }: Record<'members' | 'weeks' | 'seed', number>): Generator<History> {
  const random = seeded(seed)
  for (let done = 0; done < members; done += CHUNK) {
    const plan = { members: Math.min(CHUNK, members - done), ages: [0, weeks], ahead: 0 } as const
    for (const { times, T } of simulate(LAW, plan, random)) {
      const bought = new Set(times.map(Math.ceil))
      yield { x: bought.size, tx: Math.ceil(times.at(-1) ?? 0), T: Math.ceil(T) }
    }
  }
}

function timed<Result>(what: string, work: () => Result): Result {
  const before = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(before)
  console.log(`${what.padEnd(24)}${((user + system) / 1e6).toFixed(2)} s`)
  return result
}
