/** `milepost import till-feed`: a shop's invoice lines into sales and returns, straight or over HTTP. */
import { didYouMean } from '../base/nearest.ts'
import type { Program } from '../program/program.ts'
import { type Call, type CliCommand, UsageError } from './command-line.ts'
import { readFeed } from './feed.ts'
import { type Plan, planFeed } from './feed-plan.ts'
import { type Imported, postPlan, type Till } from './feed-post.ts'
import { openEngine } from './installation.ts'
import { count, table } from './terminal.ts'
import { httpProgram, httpTill } from './till-http.ts'
import { FEED_SOURCE, laneTill } from './till-lane.ts'

/** In flight at once; the lane makes groups of them, HTTP has a connection for each. */
const AT_ONCE = { lane: 512, http: 64 }

export const importTillFeed: CliCommand = {
  operands: ['file.csv[.gz]'],
  about: [
    'The file is CSV, plain or gzipped, with the columns InvoiceNo, StockCode, Quantity, InvoiceDate (local time ' +
      'of the program, YYYY-MM-DD HH:MM), UnitPrice (in the program’s money) and CustomerID; others are passed over.',
    'Rows with one InvoiceNo are one purchase; its externalRef is the InvoiceNo, its line ids are the rows’ places ' +
      'on the invoice. Customers are enrolled as they are met, at the time of their first invoice, with their ' +
      'CustomerID as externalRef and as identifier of kind customer. An InvoiceNo beginning with C takes back the ' +
      'customer’s latest earlier lines with the same StockCode, with one return for each sale, named C123:536365.',
    'It may be run again at any time: what was posted before is found by its key and skipped. Keys belong to a ' +
      `source. Here it is ${FEED_SOURCE}; with --via it is that of the API key, which should be ${FEED_SOURCE} too, ` +
      'or the same feed by the other way would be posted twice.',
    'read counts rows. sales and returns count what the feed holds: each invoice a sale, each cancelled sale a ' +
      'return, so that sales + returns = posted + refused + skipped. refusals are by the engine’s code. skips are ' +
      'sales and returns that were not sent (no customer; no earlier sale, for the feed begins in the middle) or ' +
      'were posted before. skippedRows are rows left out, of skipped invoices or of posted ones (a price or a ' +
      'quantity not above 0). members are the feed’s customers. Exit code 1 when anything was refused.',
  ],
  options: {
    program: { about: 'the program that they belong to', value: 'PROGRAM', required: true },
    via: { about: 'a running service to post to, instead of the database', value: 'URL' },
    key: { about: 'its API key (members:write, transactions:write, rules:read)', value: 'KEY' },
    json: { about: 'the counts as JSON' },
  },
  examples: [
    'milepost import till-feed till_feed_6_weeks.csv.gz --program gift-shop',
    'milepost import till-feed feed.csv --program gift-shop --json',
    'milepost import till-feed feed.csv --program gift-shop --via http://127.0.0.1:8080 --key mp_…',
  ],
  async run(call) {
    const file = call.words.operands[0]!
    const startedAt = performance.now()
    const { program, till, atOnce } = await openTill(call)
    const plan = await planFeed(readFeed(file), { timeZone: program.timeZone, money: program.money })
    const counted = await postWithProgress(call, { plan, till, atOnce })
    const { refusals, skips, skippedRows, ...totals } = counted
    const seconds = Math.round(performance.now() - startedAt) / 1000
    const imported: Imported = { ...totals, seconds, refusals, skips, skippedRows }
    if (call.words.flag('json')) call.terminal.json(imported)
    else call.terminal.print(inWords(imported))
    return imported.refused > 0 ? 1 : 0
  },
}

interface Opened {
  readonly program: Pick<Program, 'timeZone' | 'money'>
  readonly till: Till
  readonly atOnce: number
}

async function openTill(call: Call): Promise<Opened> {
  const id = call.words.required('program')
  const via = call.words.text('via')
  const key = call.words.text('key')
  if ((via === undefined) !== (key === undefined)) throw new UsageError('--via and --key go together')
  if (via !== undefined && key !== undefined) {
    if (!/^https?:\/\//.test(via) || !URL.canParse(via)) {
      throw new UsageError(`--via is a URL such as http://127.0.0.1:8080, not "${via}"`)
    }
    const service = { url: new URL(via), key, signal: call.closing.signal }
    return { program: await httpProgram(service, id), till: httpTill(service), atOnce: AT_ONCE.http }
  }
  const { programs, lane } = await openEngine(call)
  const known = programs.ids()
  if (!known.includes(id)) {
    const hint = didYouMean(id, known) ?? 'milepost rules publish <folder> comes first'
    call.terminal.note(`no program "${id}" is published; ${hint}`)
  }
  const program = programs.at(id, call.now())
  return { program, till: laneTill({ lane, program: id, now: call.now }), atOnce: AT_ONCE.lane }
}

async function postWithProgress(
  call: Call,
  { plan, till, atOnce }: { plan: Plan; till: Till; atOnce: number },
) {
  const { terminal, closing } = call
  const progress = terminal.progress('posting')
  return postPlan(plan, {
    till,
    atOnce,
    signal: closing.signal,
    onProgress: progress.update,
    onRefusal: (what, detail) => terminal.note(`${what} refused: ${detail}`),
  }).finally(progress.stop)
}

function inWords(of: Imported): string {
  const head = [
    `${count(of.read, 'row')}: ${count(of.sales, 'sale')} and ${count(of.returns, 'return')} of ${count(of.members, 'member')}`,
    `${of.posted} posted, ${of.refused} refused, ${of.skipped} skipped, in ${of.seconds} s`,
  ]
  const reasons = [
    ...Object.entries(of.refusals).map(([reason, n]) => ['  refused', String(n), reason]),
    ...Object.entries(of.skips).map(([reason, n]) => ['  skipped', String(n), reason]),
    ...Object.entries(of.skippedRows).map(([reason, n]) => ['  rows left out', String(n), reason]),
  ]
  return [...head, ...(reasons.length > 0 ? [table(reasons)] : [])].join('\n')
}
