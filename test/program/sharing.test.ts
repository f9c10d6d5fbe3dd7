/** What a program says about giving, pooling and leaving: read as written, and told where it is wrong. */
import t from 'tap'
import { loadProgram } from '../../src/program/load.ts'

const program = (more: string) => `program: home
timeZone: UTC
currencies:
  beans: { value: 0.05 EUR }
  credits: { kind: qualifying }
earn: []
${more}`

function load(more: string) {
  return loadProgram(new Map([['program.yaml', program(more)]]))
}

t.test('nothing said: nothing given, no pools, points forfeited', (t) => {
  const { program: read, errors } = load('')
  t.same(errors, [])
  t.match(read, { pools: null, closing: 'forfeit' })
  t.equal(read?.transfers.size, 0)
  t.end()
})

t.test('everything said', (t) => {
  const { program: read, errors } = load(`transfers:
  beans:
    minimum: 10 beans
    maximum: 500
    step: 5 beans
    fee: 2.5 %
    limit: 1000 beans per member per month
    expires: anew
    within: pool
pools: { members: 8 }
closing: keep
`)
  t.same(errors, [])
  t.match(read, { pools: { members: 8 }, closing: 'keep' })
  const terms = read?.transfers.get('beans')
  t.match(terms, { minimum: 10n, maximum: 500n, step: 5n, expires: 'anew', withinPool: true })
  t.match(terms?.limit, { points: 1000n, unit: 'month' })
  t.equal(terms && 'percent' in terms.fee && terms.fee.percent.toString(), '2.5')
  t.end()
})

// What is written, and what is told of it: line:column and message. The program above has six lines.
const rows = [
  ['transfers:\n  baens:', '8:3 unknown currency "baens" (did you mean "beans"?)'],
  ['transfers:\n  credits:', '8:3 credits are qualifying points, which are never given away'],
  ['transfers:\n  beans: { fee: 0 % }', '8:17 a fee is above 0 % and at most 100 %'],
  ['transfers:\n  beans: { fee: 101 % }', '8:17 a fee is above 0 % and at most 100 %'],
  ['transfers:\n  beans: { minimum: 9, maximum: 8 }', '8:33 the maximum is below the minimum'],
  ['transfers:\n  beans: { step: 0 }', '8:18 the amount must be above zero'],
  ['transfers:\n  beans: { limit: 9 credits per member per day }', '8:19 expected beans, not credits'],
  [
    'transfers:\n  beans: { limit: 9 beans per transaction }',
    '8:19 a limit of transfers is per member (write for instance `1000 beans per member per month`; for one transfer there is `maximum`)',
  ],
  ['transfers:\n  beans: { expires: never }', '8:21 expected kept or anew; got the text "never"'],
  ['transfers:\n  beans: { fees: 5 }', '8:12 unknown key "fees" (did you mean "fee"?)'],
  ['pools: { members: 1 }', '7:19 expected a whole number from 2 to 50; got "1"'],
  ['pools: { members: 51 }', '7:19 expected a whole number from 2 to 50; got "51"'],
  ['pools: { members: 2.5 }', '7:19 expected a whole number from 2 to 50; got "2.5"'],
  ['pools: {}', '7:8 "members" is missing'],
  ['closing: keeep', '7:10 expected forfeit or keep; got the text "keeep" (did you mean "keep"?)'],
] as const

t.test('each row: what is wrong, and what is told', (t) => {
  for (const [text, told] of rows) {
    const [fault, ...more] = load(text).errors
    const hint = fault?.hint === undefined ? '' : ` (${fault.hint})`
    t.equal(`${fault?.line}:${fault?.column} ${fault?.message}${hint}`, told, text)
    t.same(more, [], `${text}: and nothing else`)
  }
  t.end()
})
