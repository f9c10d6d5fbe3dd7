/**
 * What is warned of in segments, campaigns, experiments and the sections about members, and of names that nothing
 * asks for: one example each, and beside it what is so nearly the same but meant.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { loadProgram } from '../../src/program/load.ts'

const head = `program: cafe
timeZone: Europe/Berlin
currencies:
  beans: { value: 0.05 EUR }
`
const examples = `examples:
  - name: x
    transaction: { occurredAt: 2026-01-01 }
    awards: { a: 1 bean, c-x: 1 bean, d-x: 1 bean }
`

function told(parts: string): string {
  const { errors, warnings } = loadProgram(
    new Map([
      ['program.yaml', head + parts],
      ['program.examples.yaml', examples],
    ]),
  )
  t.same(errors, [], parts)
  return warnings.map(({ message }) => message).join(' | ')
}

const earn = 'earn: [{ id: a, on: purchase, award: 1 bean }]\n'
const on = (event: string, when = '') =>
  `earn: [{ id: a, on: ${event}, ${when && `when: { ${when} }, `}award: 1 bean }]\n`
const asking = (when: string) => `earn: [{ id: a, on: purchase, when: { ${when} }, award: 1 bean }]\n`
const byHand = 'members: { segments: [vip] }\n'
const unused = (id: string) => `no rule and no campaign asks for the segment "${id}"`

/** A campaign that nothing is to be said of, with some of its keys written otherwise. */
function campaign(change: Record<string, string> = {}, id = 'c'): string {
  const keys = {
    start: '{ flag: gone_quiet }',
    arms: '[{ id: x, award: 1 bean, message: m, cost: 0.10 EUR }]',
    budget: '100 EUR',
    consents: '[marketing]',
    ...change,
  }
  const written = Object.entries(keys).filter(([, value]) => value !== '')
  return `{ id: ${id}, ${written.map(([key, value]) => `${key}: ${value}`).join(', ')} }`
}
const running = (...all: string[]) =>
  `${earn}retention:\ncampaigns:\n${all.map((one) => `  - ${one}\n`).join('')}`
const test = (text: string) => running(campaign({ test: `{ ${text} }` }))

const rows: readonly (readonly [string, string])[] = [
  [earn, ''],

  // segments
  [earn + byHand, unused('vip')],
  [asking('segment: vip') + byHand, ''],
  [asking('where: "not (\'vip\' in segment)"') + byHand, ''],
  [on('segmentEntered') + byHand, ''],
  [on('segmentLeft', 'left: vip') + byHand, ''],
  [`${earn}retention:\nsegments: [{ id: best, top: 20 % by value }]\n`, unused('best')],
  [`${asking('segment: best')}retention:\nsegments: [{ id: best, top: 20 % by value }]\n`, ''],
  [`${asking('segment: rich')}${byHand}segments: [{ id: rich, when: { segment: vip } }]\n`, ''],
  [
    `${asking('segment: top-five')}retention:\nsegments: [{ id: top-five, when: { monetary: { atLeast: 6 } } }]\n`,
    'nobody can be in the segment "top-five": no "monetary" meets all that is asked of it',
  ],
  [
    `${asking('segment: top-five')}retention:\nsegments: [{ id: top-five, when: { monetary: { atLeast: 5 } } }]\n`,
    '',
  ],
  [
    `${asking('segment: all')}segments: [{ id: all, when: { memberFor: { atLeast: 0 } } }]\n`,
    'this condition is always true: every "memberFor" meets it',
  ],

  // other names that nothing asks for
  [
    `${earn}promotions: [{ id: may, through: 2026-05-31 }]\n`,
    'no rule asks for the promotion "may": whoever registers for it gets nothing',
  ],
  [
    `${asking('promotion: may')}promotions: [{ id: may, through: 2026-05-31 }]\n`,
    'the rule "a" goes on after its promotion, for whoever registered in time',
  ],
  [`${on('registration')}promotions: [{ id: may, through: 2026-05-31 }]\n`, ''],
  [`${earn}groups: { offers: best }\n`, 'no rule is of the group "offers"'],
  ['earn: [{ id: a, on: purchase, group: offers, award: 1 bean }]\ngroups: { offers: best }\n', ''],
  [`${earn}tables: { rates: { x: 1 } }\n`, 'no formula looks at the table "rates"'],
  ['earn: [{ id: a, on: purchase, award: "beans = rates[\'x\']" }]\ntables: { rates: { x: 1 } }\n', ''],

  // rules on what never happens
  [on('birthday'), 'the rule "a" can never fire: no day of birth is known'],
  [`${on('birthday')}members: { attributes: { born?: date }, birthday: born }\n`, ''],
  [on('tierReached'), 'the rule "a" can never fire: the program has no tiers'],
  [on('segmentEntered'), 'the rule "a" can never fire: the program has no segments'],
  [on('flagRaised'), 'the rule "a" can never fire: nobody is flagged without the section `retention`'],
  [`${on('flagRaised')}retention:\n`, ''],
  [on('registration'), 'the rule "a" can never fire: there is no promotion to register for'],
  [on('treatment'), 'the rule "a" can never fire: the program has no campaigns'],
  [on('[birthday, anniversary]'), ''],

  // campaigns that can never start
  [running(campaign()), ''],
  [
    running(campaign({ start: '{ event: tier.changed }' })),
    'the campaign "c" can never start: the program has no tiers',
  ],
  [running(campaign({ start: '{ event: [tier.changed, transaction.earned] }' })), ''],
  [
    running(campaign({ start: '{ event: points.expired }' })),
    'the campaign "c" can never start: the program has no points that lapse',
  ],
  [
    running(campaign({ when: '{ flag: buying_less }' })),
    'the campaign "c" can never start: it starts by gone_quiet, and asks for buying_less',
  ],
  [running(campaign({ start: '{ flag: any }', when: '{ flag: buying_less }' })), ''],
  [
    running(campaign({ when: '{ state: lapsed, all: [{ state: new }] }' })),
    'the campaign "c" can never start: no "state" meets all that is asked of it',
  ],
  [
    running(campaign({ when: '{ recency: { above: 5 } }' })),
    'the campaign "c" can never start: no "recency" meets all that is asked of it',
  ],
  [
    running(campaign({ when: '{ spend: { below: 0 } }' })),
    'the campaign "c" can never start: no "spend" meets all that is asked of it',
  ],
  [
    running(campaign({ budget: '0.05 EUR' })),
    'the campaign "c" can never start: its budget does not pay for one treatment',
  ],

  // two campaigns by one trigger
  [
    running(campaign(), campaign({}, 'd')),
    'the campaigns "c" and "d" start by the same, and neither goes first by what it asks',
  ],
  [running(campaign({ when: '{ spend: { above: 100 } }' }), campaign({}, 'd')), ''],
  [running(campaign(), campaign({ start: '{ flag: buying_less }' }, 'd')), ''],
  [running(campaign({ until: '2026-06-01' }), campaign({ from: '2026-06-01' }, 'd')), ''],
  [
    running(campaign({ through: '2026-06-01' }), campaign({ from: '2026-06-01' }, 'd')),
    'the campaigns "c" and "d" start by the same, and neither goes first by what it asks',
  ],

  // what it costs, and who agreed
  [running(campaign({ budget: '' })), 'nothing bounds what the campaign "c" costs'],
  [
    running(campaign({ budget: '', capacity: '10' })),
    'nothing bounds what the campaign "c" costs, only how many members a run takes',
  ],
  [running(campaign({ budget: '', arms: '[{ id: x, message: m }]' })), ''],
  [running(campaign({ consents: '' })), 'the campaign "c" sends messages without asking for a consent'],
  [running(campaign({ consents: '', arms: '[{ id: x, award: 1 bean }]' })), ''],

  // tests that show nothing
  [
    test('measure: 8 weeks, within: 4 weeks'),
    'the test of "c" ends before any purchase is measured: after 28 days, of 56',
  ],
  [test('measure: 8 weeks, within: 9 weeks'), ''],
  [test('members: 20, control: 60 %'), 'the test of "c" has 8 members for an arm: chance alone would decide'],
  [test('members: 20, control: 50 %'), ''],

  // settings without effect
  [
    `${earn}experiments: { holdout: 5 % }\n`,
    '"holdout" has no effect: there are no campaigns that could leave members alone',
  ],
  [`${running(campaign())}experiments: { holdout: 5 % }\n`, ''],
  [`${earn}feedback: { holdMessages: never }\n`, '"holdMessages" has no effect: no campaign sends messages'],
  [`${running(campaign())}feedback: { holdMessages: never }\n`, ''],
  [
    `${earn}retention: { purchases: purchase }\n`,
    '"purchases" has no effect: "purchase" is the only type of transaction there is',
  ],
  [`${earn}transactions: { purchase: {}, visit: {} }\nretention: { purchases: purchase }\n`, ''],
  [
    `${earn}retention: { closed: [2026-12-24 through 2026-12-31, 2026-12-26] }\n`,
    'these days are within "2026-12-24 through 2026-12-31" already',
  ],
  [`${earn}retention: { closed: [2026-12-24 through 2026-12-31, 2027-01-01] }\n`, ''],
  [
    `${earn}transactions: { purchase: {}, fee: {} }\nvalue: { fees: [fee], benefits: { fee: 5 EUR } }\n`,
    '"fee" is a fee and a benefit: it takes from a member and gives to the same one',
  ],
]

for (const [parts, expected] of rows) t.equal(told(parts), expected, parts.trim())

t.test('a campaign may start by every event that is told of members', async (t) => {
  const names = new Set<string>()
  for (const room of ['engine', 'jobs', 'retention', 'earning', 'redeeming']) {
    for (const file of readdirSync(`src/${room}`)) {
      const found = readFileSync(`src/${room}/${file}`, 'utf8').matchAll(
        /'((?:member|transaction|tier|segment|promotion|points|redemption|retention|pool|feedback)\.[a-z_]+)'/g,
      )
      for (const [, name = ''] of found) names.add(name)
    }
  }
  t.ok(names.size > 20, `${names.size} events`)
  for (const name of names) {
    const { errors } = loadProgram(
      new Map([['program.yaml', head + running(campaign({ start: `{ event: ${name} }` }))]]),
    )
    t.same(errors, [], name)
  }
})
