/** Till feeds: what is refused as a file, and what a feed asks of the engine. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { readFeed } from '../../src/cli/feed.ts'
import { planFeed } from '../../src/cli/feed-plan.ts'
import { temporaryFolder } from '../support/server.ts'

const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const london = { timeZone: 'Europe/London', money: 'GBP' }

const folder = temporaryFolder(t)
let files = 0

function write(content: string | Buffer): string {
  files += 1
  const file = join(folder, `${files}.csv`)
  writeFileSync(file, content)
  return file
}

/** Rows `invoice sku quantity local-time price customer`; `_` stands for nothing. */
function feedOf(rows: readonly string[]): string {
  const lines = rows.map((row) => {
    const [invoice, sku, quantity, day, time, price, customer] = row.split(' ')
    return `${invoice},${sku},"a, b",${quantity},${day} ${time},${price},${customer === '_' ? '' : customer},UK`
  })
  return [header, ...lines, ''].join('\n')
}

async function plan(content: string | Buffer) {
  return planFeed(readFeed(write(content)), london)
}

const good = '1,A,x,1,2010-12-01 08:26,2.55,7,UK'

// Each row: what is in the file, and the end of the message.
const broken: readonly (readonly [string, string | Buffer, RegExp])[] = [
  ['nothing', '', /\.csv: the file has no invoice lines$/],
  ['a header alone', `${header}\n`, /\.csv: the file has no invoice lines$/],
  ['a column is missing', `${header.replace('UnitPrice,', '')}\n`, /csv:1: there is no column UnitPrice/],
  ['a column is misspelt', `${header.replace('UnitPrice', 'UnitPrise')}\n`, /did you mean "UnitPrise"\?$/],
  ['a field too few', `${header}\n${good}\n1,A,x,1\n`, /csv:3: this is no CSV/],
  ['an open quote', `${header}\n${good}\n1,"A,x,1\n`, /csv:\d+: this is no CSV/],
  [
    'a quantity in words',
    `${header}\n${good.replace(',1,2010', ',one,2010')}\n`,
    /csv:2: Quantity is a whole number/,
  ],
  [
    'half a piece',
    `${header}\n${good.replace(',1,2010', ',0.5,2010')}\n`,
    /csv:2: Quantity is a whole number/,
  ],
  ['a price with a comma', `${header}\n${good.replace('2.55', '"2,55"')}\n`, /csv:2: UnitPrice is an amount/],
  [
    'an American date',
    `${header}\n${good.replace('2010-12-01', '12/1/2010')}\n`,
    /csv:2: InvoiceDate is a local time/,
  ],
  [
    '30 February',
    `${header}\n${good.replace('2010-12-01', '2010-02-30')}\n`,
    /csv:2: there is no time "2010-02-30 08:26"/,
  ],
  ['no invoice number', `${header}\n${good.slice(1)}\n`, /csv:2: InvoiceNo is an invoice number/],
  ['the line of the fault', `${header}\n${good}\n\n${good.replace('7,UK', '7 8,UK')}\n`, /csv:4: CustomerID/],
  ['half a gzip', gzipSync(`${header}\n${good}\n`).subarray(0, 40), /the gzip is damaged/],
  [
    'an image',
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]),
    /csv:1: there is no column/,
  ],
  ['a row without end', `${header}\n"${'x'.repeat(100_000)}`, /this is no CSV/],
]

t.test('a file that is not what it should be', async (t) => {
  for (const [what, content, message] of broken) await t.rejects(plan(content), { message }, what)
  await t.rejects(planFeed(readFeed(join(folder, 'none.csv')), london), { message: /there is no such file/ })
  mkdirSync(join(folder, 'folder.csv'))
  await t.rejects(planFeed(readFeed(join(folder, 'folder.csv')), london), { message: /this is not a file/ })
})

t.test('gzip is known by its content, and a byte order mark is passed over', async (t) => {
  const text = `${header}\n${good}\n`
  const plain = await plan(text)
  t.equal(plain.steps.length, 1)
  t.strictSame(await plan(gzipSync(text)), plain)
  t.strictSame(await plan(`\uFEFF${text}`), plain)
  t.strictSame(await plan(text.replaceAll('\n', '\r\n')), plain)
})

/** `sale 1 7 1:A*6=15.30 …` and `return C3 7 of 1 2*4 …` */
function inWords({ steps }: Awaited<ReturnType<typeof plan>>): string[] {
  return steps.map((step) => {
    if (step.kind === 'return') {
      const lines = step.body.lines!.map(({ lineId, quantity }) => `${lineId}*${quantity}`)
      return `return ${step.body.externalRef} ${step.customer} of ${step.sale} ${lines.join(' ')}`
    }
    const lines = step.body.lines.map(
      ({ lineId, sku, quantity, net }) => `${lineId}:${sku}*${quantity}=${net.amount}`,
    )
    return `sale ${step.body.externalRef} ${step.customer} ${lines.join(' ')}`
  })
}

// Each row: the feed, and the steps that come of it. Read top to bottom it is the matching of returns.
const matching: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['a sale', ['1 A 6 2010-12-01 08:26 2.55 7'], ['sale 1 7 1:A*6=15.30']],
  [
    'the same stock code twice on one invoice',
    ['1 A 6 2010-12-01 08:26 2.55 7', '1 A 1 2010-12-01 08:26 2.5 7', 'C2 A -7 2010-12-02 08:00 2.55 7'],
    ['sale 1 7 1:A*6=15.30 2:A*1=2.50', 'return C2:1 7 of 1 2*1 1*6'],
  ],
  [
    'the latest sale first, over two sales',
    [
      '1 A 6 2010-12-01 08:26 2 7',
      '2 A 4 2010-12-02 08:26 2 7',
      'C3 A -5 2010-12-03 08:00 2 7',
      'C4 A -5 2010-12-04 08:00 2 7',
    ],
    [
      'sale 1 7 1:A*6=12.00',
      'sale 2 7 1:A*4=8.00',
      'return C3:2 7 of 2 1*4',
      'return C3:1 7 of 1 1*1',
      'return C4:1 7 of 1 1*5',
    ],
  ],
  [
    'by time, not by place in the file',
    ['C3 A -1 2010-12-03 08:00 2 7', '2 A 4 2010-12-02 08:26 2 7', '1 A 6 2010-12-01 08:26 2 7'],
    ['sale 1 7 1:A*6=12.00', 'sale 2 7 1:A*4=8.00', 'return C3:2 7 of 2 1*1'],
  ],
  [
    'never of another customer, another stock code, or a later sale',
    [
      '1 A 6 2010-12-01 08:26 2 7',
      'C2 B -1 2010-12-02 08:00 2 7',
      'C3 A -1 2010-12-02 08:00 2 8',
      'C0 A -1 2010-11-30 08:00 2 7',
    ],
    ['sale 1 7 1:A*6=12.00'],
  ],
  [
    'no more than was sold',
    ['1 A 2 2010-12-01 08:26 2 7', 'C2 A -9 2010-12-02 08:00 2 7'],
    ['sale 1 7 1:A*2=4.00', 'return C2:1 7 of 1 1*2'],
  ],
  [
    'rows without a price or a quantity are left out, the line ids stay the places',
    [
      '1 A 1 2010-12-01 08:26 0 7',
      '1 B 0 2010-12-01 08:26 1 7',
      '1 C -1 2010-12-01 08:26 1 7',
      '1 D 1 2010-12-01 08:26 0.001 7',
    ],
    ['sale 1 7 4:D*1=0.001'],
  ],
  ['nobody', ['1 A 1 2010-12-01 08:26 1 _', 'C2 A -1 2010-12-02 08:26 1 _'], []],
]

t.test('what a feed asks', async (t) => {
  for (const [what, rows, steps] of matching) t.strictSame(inWords(await plan(feedOf(rows))), steps, what)
})

t.test('nothing is dropped without being counted', async (t) => {
  const planned = await plan(
    feedOf([
      '1 A 1 2010-12-01 08:26 1 _',
      '1 B 1 2010-12-01 08:26 1 _',
      '2 A 1 2010-12-01 08:26 0 7',
      '3 A 2 2010-12-01 09:26 1 7',
      '3 B 1 2010-12-01 09:26 0 7',
      'C4 A -3 2010-12-01 10:26 1 7',
      'C5 Z -3 2010-12-01 11:26 1 8',
    ]),
  )
  t.match(planned, {
    read: 7,
    sales: 3,
    returns: 2,
    skips: { 'no customer': 1, 'no line to post': 1, 'no earlier sale': 1 },
    skippedRows: {
      'no customer': 2,
      'price not above 0': 2,
      'more than was sold: the rest': 1,
      'no earlier sale': 1,
    },
  })
  const skipped = Object.values(planned.skips).reduce((sum, n) => sum + n, 0)
  t.equal(planned.steps.length + skipped, planned.sales + planned.returns)
  t.strictSame(
    [...planned.customers.keys()],
    ['7', '8'],
    'a customer with nothing to post is met all the same',
  )
})

t.test('times are the program’s wall clock', async (t) => {
  const { steps } = await plan(feedOf(['1 A 1 2011-01-10 08:26 1 7', '2 A 1 2011-07-10 08:26 1 7']))
  t.strictSame(
    steps.map(({ at }) => at.toISOString()),
    ['2011-01-10T08:26:00.000Z', '2011-07-10T07:26:00.000Z'],
  )
})
