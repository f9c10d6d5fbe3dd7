/** `milepost retention products`: next products of a past day held against what was bought after. */
import { dayNumbered } from '../base/time.ts'
import { backtestProducts } from '../retention/product-backtest.ts'
import { type CliCommand, UsageError } from './command-line.ts'
import { FeedError } from './feed.ts'
import { readProducts } from './products-file.ts'
import { readCuts } from './retention-score-command.ts'
import { count, table } from './terminal.ts'

const USUAL_HORIZON = 28
const LONGEST_HORIZON = 3_650

export const retentionProducts: CliCommand = {
  about: [
    'Every member who had bought something by the cut is offered ten products that the member never bought: those ' +
      'nearest to what was bought, by who bought both. Of the members who then bought a product new to them within ' +
      'the horizon, the share is told who bought one of the ten. Beside it stand the plain cosine between ' +
      'products and the ten that most members had bought.',
    'The file has a header with the columns memberId, date and product, and may have quantity: below zero is taken ' +
      'back. Columns of usual names, such as CustomerID, InvoiceDate, StockCode, are found too. In the service the job ' +
      '`products` keeps what is near for every program, and GET /v1/members/{memberId}/view offers it.',
  ],
  options: {
    transactions: { about: 'the products bought, a CSV, plain or gzipped', value: 'FILE', required: true },
    cut: { about: 'the day as of which is offered; several with commas', value: 'DAY', required: true },
    horizon: { about: `days after it that are looked at (${USUAL_HORIZON})`, value: 'DAYS' },
    json: { about: 'the result as JSON' },
  },
  examples: [
    'milepost retention products --transactions lines.csv.gz --cut 2025-10-31',
    'milepost retention products --transactions lines.csv --cut 2025-08-31,2025-10-31 --horizon 14 --json',
  ],
  async run(call) {
    const horizonDays = horizonOf(call.words.text('horizon'))
    const cuts = readCuts(call.words)
    const file = call.words.required('transactions')
    const progress = call.terminal.progress('reading')
    const { rows, read, unreadable } = await readProducts(file, (done) =>
      progress.update(done, done),
    ).finally(progress.stop)
    if (unreadable > 0)
      call.terminal.note(
        `${count(unreadable, 'row')} of ${read} without a member, a day, a product or a quantity`,
      )
    const firstDay = rows.reduce((first, { day }) => Math.min(first, day), rows[0]!.day)
    const results = cuts.map((cut) => {
      if (cut < firstDay)
        throw new FeedError(
          file,
          null,
          `it begins on ${dayNumbered(firstDay)}, after the cut ${dayNumbered(cut)}`,
        )
      return { cut: dayNumbered(cut), horizonDays, ...backtestProducts(rows, { cut, horizonDays }) }
    })
    if (call.words.flag('json')) call.terminal.json({ rows: rows.length, unreadable, results })
    else call.terminal.print(results.map(inWords).join('\n\n'))
    return 0
  },
}

function horizonOf(text: string | undefined): number {
  if (text === undefined) return USUAL_HORIZON
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= LONGEST_HORIZON) return days
  throw new UsageError(`option --horizon is a number of days from 1 to ${LONGEST_HORIZON}, not "${text}"`)
}

function inWords(result: { cut: string; horizonDays: number } & ReturnType<typeof backtestProducts>): string {
  const head = `${result.cut} and ${result.horizonDays} days after: ${count(result.members, 'member')} bought one new to them, of ${count(result.products, 'product')}`
  if (result.members === 0) return `${head}\nnobody to compare with`
  const rows = result.methods.map(({ name, hit }) => [`  ${name}`, hit === null ? '–' : hit.toFixed(3)])
  return `${head}\n${table([['  offered by', 'bought one of ten'], ...rows])}`
}
