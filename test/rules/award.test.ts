/**
 * Awards: what each form gives, how it is rounded and explained, and what is said of wrong ones. Also the
 * worked examples of flights, and what never earns.
 */
import t from 'tap'
import { checkRule, line, member, shownAwards, value } from './fixtures.ts'

const lines = [
  line({ lineId: 'a', net: '12.50', tax: '2.50', quantity: '3' }),
  line({ lineId: 'b', net: '3.49', tax: '0.10', quantity: '0.5' }),
]

t.test('forms, rounding and explanations', async (t) => {
  // net is 15.99, gross 18.59, quantity 3.5; beans floor, miles half_up
  const rows = [
    ['award: 1 bean per 1 EUR of net', '15 1 bean per 1 EUR of 15.99 EUR net, rounded down'],
    ['award: 1 beans per 1 EUR of net', '15 1 beans per 1 EUR of 15.99 EUR net, rounded down'],
    ['award: 1 penny per 1 EUR of net', '15 1 penny per 1 EUR of 15.99 EUR net, rounded down'],
    ['award: 1 mile per 1 EUR of net', '16 1 mile per 1 EUR of 15.99 EUR net, rounded to the nearest'],
    ['award: 1 bean per 1 EUR of net\nround: ceil', '16 1 bean per 1 EUR of 15.99 EUR net, rounded up'],
    ['award: 1 bean per 1 EUR of gross', '18 1 bean per 1 EUR of 18.59 EUR gross, rounded down'],
    ['award: 1 bean per 2 EUR of net', '7 1 bean per 2 EUR of 15.99 EUR net, rounded down'],
    ['award: 5 beans per 2 EUR of net', '39 5 beans per 2 EUR of 15.99 EUR net, rounded down'],
    ['award: 5 beans per full 2 EUR of net', '35 5 beans per full 2 EUR of 15.99 EUR net'],
    ['award: 1.5 beans per 0.10 EUR of net', '239 1.5 beans per 0.10 EUR of 15.99 EUR net, rounded down'],
    ['award: 2 beans per 1 of quantity', '7 2 beans per 1 of 3.5 quantity'],
    [
      'award: 1 bean per 1 EUR of max(net - 5 EUR, 0 EUR)',
      '10 1 bean per 1 EUR of 10.99 EUR max(net - 5 EUR, 0 EUR), rounded down',
    ],
    ['award: 500 miles', '500 500 miles'],
    ['award: 0.5 miles', '1 0.5 miles, rounded to the nearest'],
    ['award: miles = 2.5 * lines', '5 miles = 2.5 * lines = 5'],
    ['award: beans = if net > 15 EUR then 10 else 5', '10 beans = if net > 15 EUR then 10 else 5 = 10'],
    [
      'award: beans = net / 3 EUR * 3\nround: half_even',
      '16 beans = net / 3 EUR * 3 = 15.99, rounded to the nearest',
    ],
    // nothing is given at or below zero, and nothing that rounds to nothing
    ['award: 1 bean per 16 EUR of net', ''],
    ['award: beans = 0', ''],
    ['award: beans = -5', ''],
    ['award: beans = lines - 2', ''],
    ['award: beans = basketAge * 2', ''],
  ] as const
  for (const [award, expected] of rows) {
    const text = `id: rule\non: purchase\n${award}`
    const { awards } = value({ rules: [text], transaction: { lines } })
    t.equal(awards.map(({ points, explanation }) => `${points} ${explanation}`).join('; '), expected, award)
  }
})

t.test('rounding modes part at the half', async (t) => {
  const rows = [
    ['2.5', 'floor', '2'],
    ['2.5', 'half_up', '3'],
    ['2.5', 'half_even', '2'],
    ['3.5', 'half_even', '4'],
    ['2.5', 'ceil', '3'],
    ['2.000000001', 'ceil', '3'],
    ['2.499999999', 'half_up', '2'],
  ] as const
  for (const [amount, round, expected] of rows) {
    const rules = [`{ id: rule, on: purchase, award: "beans = ${amount}", round: ${round} }`]
    t.equal(shownAwards(value({ rules, transaction: {} })), `rule beans ${expected}`, `${amount} ${round}`)
  }
})

t.test('per line: each line rounded for itself', async (t) => {
  const rules = [
    '{ id: first, on: purchase, award: 1 bean per 1 EUR of gross }',
    '{ id: second, on: purchase, forEach: line, award: [1 bean per 1 EUR of line.net, 2 miles per 1 of line.quantity] }',
    '{ id: rule, on: purchase, award: "beans = 0.5 * awarded(second)" }',
  ]
  const { awards, trace } = value({ rules, transaction: { lines }, explain: true })
  t.same(
    awards.map(({ rule, currency, points, lineId }) => [rule, currency, Number(points), lineId]),
    [
      ['first', 'beans', 18, null],
      ['second', 'beans', 12, 'a'],
      ['second', 'miles', 6, 'a'],
      ['second', 'beans', 3, 'b'],
      ['second', 'miles', 1, 'b'],
      ['rule', 'beans', 7, null],
    ],
  )
  t.same(trace[1], {
    rule: 'second',
    fired: true,
    lineId: 'a',
    saw: { 'line.net': '12.50 EUR' },
    exact: '12.5',
    rounding: 'floor',
  })
})

t.test('worked example: sector miles, class and route', async (t) => {
  const rules = [
    '{ id: rule, on: flight, award: "miles = distance * fares[fareClass].rate * routes[route] + fares[fareClass].boarding", round: floor }',
  ]
  const rows = [
    [984, 'Y', 'domestic', '2860'],
    [984, 'M', 'domestic', '1476'],
    [3312, 'L', 'asia', '3477'],
  ] as const
  for (const [distance, fareClass, route, expected] of rows) {
    const valuation = value({
      rules,
      transaction: { type: 'flight', attributes: { distance, fareClass, route } },
    })
    t.equal(shownAwards(valuation), `rule miles ${expected}`)
  }
  const unknown = { type: 'flight', attributes: { distance: 984, fareClass: 'Y', route: 'moon' } }
  t.same(value({ rules, transaction: unknown, explain: true }).trace, [
    { rule: 'rule', fired: false, because: 'table routes has no row "moon"' },
  ])
})

t.test('worked example: the floor before or after the share', async (t) => {
  const rows = [
    ['max(500, distance)', 129, '500'],
    ['max(500, 0.25 * distance)', 300, '500'],
    ['0.25 * max(500, distance)', 300, '125'],
  ] as const
  for (const [formula, distance, expected] of rows) {
    const rules = [`{ id: rule, on: flight, award: "miles = ${formula}" }`]
    const valuation = value({ rules, transaction: { type: 'flight', attributes: { distance } } })
    t.equal(shownAwards(valuation), `rule miles ${expected}`, formula)
  }
})

t.test('worked example: segment caps by table', async (t) => {
  const award = "miles = if carrier == 'partner' then min(750, distance / 5) else min(1000, distance / 6)"
  const rows = [
    [5000, 'partner', '750'],
    [9000, 'own', '1000'],
    [3000, 'partner', '600'],
  ] as const
  for (const [distance, carrier, expected] of rows) {
    const rules = [`{ id: rule, on: flight, award: "${award}" }`]
    const valuation = value({ rules, transaction: { type: 'flight', attributes: { distance, carrier } } })
    t.equal(shownAwards(valuation), `rule miles ${expected}`)
  }
})

t.test('a bonus on what an earlier rule gave', async (t) => {
  const rules = [
    '{ id: first, on: flight, when: { carrier: own }, award: "miles = distance" }',
    '{ id: second, on: flight, when: { tier: { atLeast: silver } }, award: "miles = bonus[tier] * awarded(first)" }',
  ]
  const rows = [
    ['base', 'own', 'first miles 1000'],
    ['silver', 'own', 'first miles 1000, second miles 250'],
    ['gold', 'own', 'first miles 1000, second miles 500'],
    ['gold', 'partner', ''],
  ] as const
  for (const [tier, carrier, expected] of rows) {
    const input = { type: 'flight', attributes: { distance: 1000, carrier } }
    t.equal(
      shownAwards(value({ rules, transaction: input, member: member(tier) })),
      expected,
      `${tier} ${carrier}`,
    )
  }
})

t.test('wrong awards', async (t) => {
  const form = 'expected an award such as "1 point per 1 EUR of net", "500 points" or "points = …"'
  const rows = [
    ['beans', `award+0: unexpected "beans", ${form}`],
    ['-5 beans', 'award+0: an award is above 0'],
    ['0 beans', 'award+0: an award is above 0'],
    ['5', 'award+1: the text ends here, expected a currency'],
    ['5 been', 'award+2: unknown currency "been" (did you mean "beans"?)'],
    [
      '5 beans each',
      'award+8: unexpected "each", expected "per" (write "per", as in 1 bean per 1 EUR of net)',
    ],
    [
      '1 bean per EUR of net',
      'award+11: unexpected "EUR", expected a number, such as 1 or 1 EUR (write per 1 EUR)',
    ],
    ['1 bean per 0 EUR of net', 'award+11: the step is above 0'],
    ['1 bean per 0.00 EUR of net', 'award+11: the step is above 0'],
    ['1 bean per 1 USD of net', 'award+13: the money of this program is EUR, not USD'],
    ['1 bean per 1 euro of net', 'award+13: unexpected "euro", expected EUR or "of" (write EUR)'],
    ['1 bean per 1 EUR net', 'award+17: unexpected "net", expected "of" (write of net)'],
    ['1 bean per 1 EUR of', 'award+19: the formula ends here, expected a value'],
    ['1 bean per 1 EUR of nett', 'award+20: unknown name "nett" (did you mean "net"?)'],
    ['1 bean per 1 of net', 'award+16: this is money, and the step has no unit (write `per 1 EUR of net`)'],
    ['1 bean per 1 EUR of quantity', 'award+20: this is a number, not money (write `per 1 of quantity`)'],
    ['1 bean per 1 of channel', 'award+16: expected a formula for money or a number'],
    ['miles = net', 'award+8: money where points are expected (write `1 mile per 1 EUR of net`)'],
    ['miles = channel', 'award+8: expected a formula for a number of points'],
    ['mile = ', 'award+7: the formula ends here, expected a value'],
    ['moles = 3', 'award+0: unknown currency "moles" (did you mean "miles"?)'],
    ['miles = 2 * lins', 'award+12: unknown name "lins" (did you mean "lines"?)'],
  ] as const
  for (const [award, expected] of rows) {
    const { value: compiled, problems } = checkRule(`{ id: rule, on: purchase, award: "${award}" }`)
    t.equal(problems.join('|'), expected, award)
    t.equal(compiled, null)
  }

  const perLine = checkRule('{ id: rule, on: purchase, forEach: line, award: 1 bean per 1 EUR of net }')
  const hint = 'this is the same for every line, so each line would earn it again (write line.net)'
  t.same(perLine.problems, [`award+20: ${hint}`])
})

t.test('what never earns', async (t) => {
  const one = [line({ lineId: 'a', category: 'coffee', net: '30', tax: '3' })]
  const mixed = [
    ...one,
    line({ lineId: 'g', kind: 'giftCard', net: '50' }),
    line({ lineId: 'v', kind: 'voided', net: '20', tax: '2' }),
    line({ lineId: 't', category: 'tobacco', net: '10', tax: '1' }),
  ]
  const rows = [
    // net that may earn, lines that may earn
    [one, [], '30.00 EUR', '1', '30'],
    [one, ['cash 33'], '30.00 EUR', '1', '30'],
    [one, ['points 11', 'card 22'], '20.00 EUR', '1', '20'],
    [one, ['points 11', 'giftCard 11', 'card 11'], '10.00 EUR', '1', '10'],
    [one, ['points 33'], '0.00 EUR', '0', ''],
    [one, ['giftCard 40'], '0.00 EUR', '0', ''],
    [[], ['points 5'], '0.00 EUR', '0', ''],
    // the share is of all item lines, those that never earn among them
    [mixed, [], '30.00 EUR', '1', '30'],
    [mixed, ['giftCard 22'], '15.00 EUR', '1', '15'],
    // a share of thirds comes out whole where the amounts do
    [[line({ net: '9', lineId: 'a' })], ['points 3'], '6.00 EUR', '1', '6'],
    [[line({ net: '1', lineId: 'a' }), line({ net: '2', lineId: 'b' })], ['points 2'], '1.00 EUR', '2', ''],
  ] as const
  for (const [input, tenders, net, count, perLine] of rows) {
    const valuation = value({
      rules: [
        '{ id: first, on: purchase, when: { lines: { atLeast: 0 }, net: { atLeast: 0 } }, award: 5 beans }',
        '{ id: second, on: purchase, forEach: line, award: 1 bean per 1 EUR of line.net }',
      ],
      transaction: { lines: input, tenders },
      explain: true,
      neverEarn: '{ category: tobacco }',
    })
    const label = `${input.map(({ net: amount }) => amount)} less ${tenders}`
    t.same(valuation.trace[0]?.saw, { lines: count, net }, label)
    t.equal(`${valuation.spend.toFixed(2)} EUR`, net, label)
    const given = valuation.awards.slice(1).map(({ points }) => String(points))
    t.equal(given.join(' '), perLine, label)
  }
})

t.test('points beyond what JSON keeps exact are refused', async (t) => {
  const rules = ['{ id: rule, on: purchase, award: "beans = 9007199254740991 + lines" }']
  t.equal(shownAwards(value({ rules, transaction: {} })), 'rule beans 9007199254740991')
  t.throws(() => value({ rules, transaction: { lines } }), { code: 'points_out_of_range' })
})
