/** The sections about feedback and value: read as written, told where they are wrong. */
import t from 'tap'
import { loadProgram } from '../../src/program/load.ts'

const program = (more: string) => `program: home
timeZone: UTC
currencies:
  beans: { value: 0.05 EUR }
transactions:
  purchase: {}
  membership_fee: {}
  lounge_visit: {}
earn: []
${more}`

const load = (more: string) => loadProgram(new Map([['program.yaml', program(more)]]))

t.test('nothing said is the usual, and so are empty sections', (t) => {
  for (const more of ['', 'feedback:\nvalue:\n', 'feedback: {}\nvalue: {}\n']) {
    const { program: read, errors } = load(more)
    t.same(errors, [])
    t.match(read?.feedback, { lowest: 1, highest: 5, holdMessages: 'any complaint' })
    t.match(read?.value, {
      margin: null,
      over: { count: 12, unit: 'month' },
      valueGrades: [0.2, 0.4, 0.6, 0.8],
    })
  }
  t.end()
})

t.test('everything said', (t) => {
  const { program: read, errors } = load(`feedback: { scale: 0 to 10, holdMessages: about transactions }
value:
  margin: 42.5 %
  over: 90 days
  fees: [membership_fee]
  benefits: { lounge_visit: 25.00 EUR }
  extraSpend: 0 %
  rating: { A: 5 %, B: 20 % }
  risk: { D: 90 % }
`)
  t.same(errors, [])
  t.match(read?.feedback, { lowest: 0, highest: 10, holdMessages: 'about transactions' })
  t.equal(read?.value.margin?.toFixed(), '0.425')
  t.equal(read?.value.extraSpend.toFixed(), '0')
  t.equal(read?.value.benefits.get('lounge_visit')?.toFixed(), '25')
  t.match(read?.value, {
    over: { count: 90, unit: 'day' },
    fees: ['membership_fee'],
    valueGrades: [0.05, 0.2, 0.6, 0.8],
    riskGrades: [0.1, 0.25, 0.45, 0.9],
  })
  t.end()
})

t.test('what is wrong is told at its place, with what would be right', (t) => {
  const rows = [
    ['feedback: { scale: 5 to 1 }', 'the best score is above the worst one', 'write 1 to 5'],
    ['feedback: { scale: five }', 'expected a scale such as 1 to 5; got "five"', 'worst score comes first'],
    ['feedback: { skale: 1 to 5 }', 'skale', 'scale'],
    ['value: { margin: 0.3 }', 'expected a share', ''],
    ['value: { margin: "130 %" }', 'expected a share such as 30 %', ''],
    ['value: { fees: [membership_fees] }', 'no type of transaction "membership_fees"', 'membership_fee'],
    ['value: { benefits: { lounge_visit: 25.00 USD } }', 'the money of this program is EUR', ''],
    ['value: { rating: { A: 50 %, B: 40 % } }', 'do not rise', 'above the one before'],
  ] as const
  for (const [more, message, hint] of rows) {
    const { program: read, errors } = load(`${more}\n`)
    t.equal(read, null, more)
    t.equal(errors[0]?.line, 10, more)
    t.ok(errors[0]?.message.includes(message), `${more}: ${errors[0]?.message}`)
    t.ok((errors[0]?.hint ?? '').includes(hint), `${more}: ${errors[0]?.hint}`)
  }
  t.end()
})
