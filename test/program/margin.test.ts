/** Which margin holds where several sections of a program may name one. */
import t from 'tap'
import { loadProgram } from '../../src/program/load.ts'
import { marginOf } from '../../src/program/margin.ts'

const SMALL = `
program: shop
timeZone: Europe/Berlin
currencies: { points: { value: 0.01 EUR } }
earn: [{ id: a, on: purchase, award: 1 point }]
`

function margins(sections: { campaign?: string; value?: string; retention?: string }): string[] {
  const { campaign, value, retention } = sections
  const files = new Map([
    [
      'program.yaml',
      `${SMALL}
retention: ${retention ? `{ margin: ${retention} }` : '{ horizon: 90 days }'}
${value ? `value: { margin: ${value} }` : ''}
campaigns:
  - { id: c, start: { flag: any }, arms: [{ id: x, message: m }]${campaign ? `, margin: ${campaign}` : ''} }
`,
    ],
  ])
  const { program, errors } = loadProgram(files)
  t.same(errors, [])
  return [marginOf(program!, program!.campaigns[0]!).toFixed(), marginOf(program!).toFixed()]
}

// What is named in the campaign, in value, in retention; what the campaign and what all others go by.
const rows = [
  ['10 %', '20 %', '25 %', '0.1', '0.2'],
  ['0 %', '20 %', '25 %', '0', '0.2'],
  ['', '20 %', '25 %', '0.2', '0.2'],
  ['', '0 %', '25 %', '0', '0'],
  ['', '', '25 %', '0.25', '0.25'],
  ['10 %', '', '', '0.1', '0.3'],
  ['', '20 %', '', '0.2', '0.2'],
  ['', '', '', '0.3', '0.3'],
] as const

t.test("the campaign's own, else that of value, else that of retention, else the usual one", async (t) => {
  for (const [campaign, value, retention, own, others] of rows)
    t.same(margins({ campaign, value, retention }), [own, others], [campaign, value, retention].join(' | '))
  const bare = loadProgram(new Map([['program.yaml', SMALL]])).program
  t.equal(bare?.retention, null)
  t.equal(marginOf(bare!).toFixed(), '0.3', 'no section at all')
})

t.test('no quiet time may be asked for, and is not the same as not asking', async (t) => {
  const days = (quiet: string) => {
    const campaign = `{ id: c, start: { flag: any }, arms: [{ id: x, message: m }]${quiet} }`
    const text = `${SMALL}retention:\ncampaigns: [${campaign}]\n`
    const { program, errors } = loadProgram(new Map([['program.yaml', text]]))
    return program?.campaigns[0]?.quietDays ?? errors.map(({ message }) => message).join(' | ')
  }
  t.equal(days(''), 30)
  t.equal(days(', quiet: 0 days'), 0)
  t.equal(days(', quiet: 0 weeks'), 0)
  t.equal(days(', quiet: 1 day'), 1)
  t.match(days(', quiet: 0'), /such as 4 weeks, or 0 days; got the number 0/)
  t.match(days(', quiet: 99999 days'), /from 1 to 36500/)
})
