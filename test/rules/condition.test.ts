/**
 * Conditions: each matcher against values on either side of it, with the reason that the trace gives, and
 * what is said of conditions that are not understood.
 */
import t from 'tap'
import { checkLines, checkRule, line, member, rule, scope, value } from './fixtures.ts'

const coffee = line({ lineId: 'c', sku: 'C1', category: 'coffee', net: '10', tax: '2', quantity: '2' })
const bread = line({
  lineId: 'b',
  sku: 'B1',
  category: 'bread',
  net: '5',
  attributes: { brand: 'own', organic: true },
})

/** `yes`, or why the rule did not fire. 12:00 on Tuesday 17 March 2026 in Berlin, silver, 15 EUR net. */
function verdict(when: string): string {
  const { trace } = value({
    rules: [`{ id: rule, on: purchase, when: ${when}, award: 1 bean }`],
    transaction: { lines: [coffee, bread], channel: 'app', attributes: { coupon: 'SPRING', basketAge: 5 } },
    member: member('silver', { city: 'Köln', age: 30, staff: false }),
    explain: true,
  })
  t.equal(trace.length, 1)
  return trace[0]?.fired ? 'yes' : (trace[0]?.because ?? 'no reason')
}

t.test('matchers on a transaction', async (t) => {
  const rows = [
    ['{}', 'yes'],
    ['{ channel: app }', 'yes'],
    ['{ channel: web }', 'channel is app, not web'],
    ['{ channel: [web, app] }', 'yes'],
    ['{ channel: [web, till] }', 'channel is app, not one of web, till'],
    ['{ channel: { not: app } }', 'channel is app, which is excluded'],
    ['{ channel: { notIn: [web, app] } }', 'channel is app, which is excluded'],
    ['{ channel: { notIn: [web] } }', 'yes'],
    ['{ channel: app, coupon: WINTER }', 'coupon is SPRING, not WINTER'],
    // what is missing fails everything but an exclusion
    ['{ location: berlin }', 'location is missing'],
    ['{ location: { in: [berlin] } }', 'location is missing'],
    ['{ location: { not: berlin } }', 'yes'],
    ['{ location: { notIn: [berlin] } }', 'yes'],
    // amounts, with and without their unit
    ['{ net: 15 }', 'yes'],
    ['{ net: { atLeast: 15 EUR } }', 'yes'],
    ['{ net: { atLeast: 15.01 } }', 'net is 15.00 EUR, not at least 15.01 EUR'],
    ['{ net: { above: 15 } }', 'net is 15.00 EUR, not above 15.00 EUR'],
    ['{ net: { above: 14.99, below: 15.01 } }', 'yes'],
    ['{ net: { below: 15 } }', 'net is 15.00 EUR, not below 15.00 EUR'],
    ['{ net: { atMost: 15 } }', 'yes'],
    ['{ net: { atMost: 14 } }', 'net is 15.00 EUR, not at most 14.00 EUR'],
    ['{ net: { between: [10, 15] } }', 'yes'],
    ['{ net: { between: [15, 20] } }', 'yes'],
    ['{ net: { between: [16, 20] } }', 'net is 15.00 EUR, not between 16.00 EUR and 20.00 EUR'],
    ['{ net: [14, 15.00] }', 'yes'],
    ['{ tax: 2, gross: 17, quantity: 3, lines: 2 }', 'yes'],
    ['{ basketAge: { atLeast: 5 } }', 'yes'],
    ['{ member.age: { below: 30 } }', 'member.age is 30, not below 30'],
    ['{ member.staff: false }', 'yes'],
    ['{ member.staff: true }', 'member.staff is false, not true'],
    ['{ member.city: Köln }', 'yes'],
    // the calendar of the program's zone
    ['{ weekday: tuesday }', 'yes'],
    ['{ weekday: [saturday, sunday] }', 'weekday is tuesday, not one of saturday, sunday'],
    ['{ date: 2026-03-17 }', 'yes'],
    ['{ date: { between: [2026-03-01, 2026-03-17] } }', 'yes'],
    [
      '{ date: { between: [2026-03-01, 2026-03-16] } }',
      'date is 2026-03-17, not between 2026-03-01 and 2026-03-16',
    ],
    ['{ time: "12:00" }', 'yes'],
    ['{ time: { between: ["12:00", "14:00"] } }', 'yes'],
    ['{ time: { between: ["10:00", "12:00"] } }', 'time is 12:00, not between 10:00 and 12:00'],
    ['{ time: { between: ["22:00", "12:01"] } }', 'yes'],
    ['{ time: { between: ["22:00", "06:00"] } }', 'time is 12:00, not between 22:00 and 06:00'],
    // tiers by rank
    ['{ tier: silver }', 'yes'],
    ['{ tier: base }', 'tier is silver, not base'],
    ['{ tier: { atLeast: silver } }', 'yes'],
    ['{ tier.status: { atLeast: gold } }', 'tier.status is silver, not at least gold'],
    ['{ tier: { below: gold } }', 'yes'],
    ['{ tier: [base, gold] }', 'tier is silver, not one of base, gold'],
    // joined
    ['{ any: [{ channel: web }, { weekday: tuesday }] }', 'yes'],
    [
      '{ any: [{ channel: web }, { weekday: monday }] }',
      'channel is app, not web; weekday is tuesday, not monday',
    ],
    ['{ all: [{ channel: app }, { weekday: monday }] }', 'weekday is tuesday, not monday'],
    ['{ none: [{ channel: web }, { channel: app, weekday: monday }] }', 'yes'],
    [
      '{ none: [{ channel: web }, { channel: app, weekday: tuesday }] }',
      'channel is app and weekday is tuesday, which is excluded',
    ],
    ['{ none: [{ location: berlin }] }', 'yes'],
    ['{ any: [{ none: [{ channel: app }] }, { all: [{ tier: silver }] }] }', 'yes'],
    ['{ where: "net > 10 EUR and channel == \'app\'" }', 'yes'],
    ['{ where: "net > 20 EUR" }', '"net > 20 EUR" does not hold, net is 15.00 EUR'],
    ['{ where: "location == \'x\'" }', 'location is missing'],
    ['{ none: [{ where: "location == \'x\'" }] }', 'yes'],
  ] as const
  for (const [when, expected] of rows) t.equal(verdict(when), expected, when)
})

t.test('matchers on lines pick the lines', async (t) => {
  const rows = [
    ['{ line.category: coffee }', 'c'],
    ['{ line.category: { not: coffee } }', 'b'],
    ['{ line.sku: [C1, B1] }', 'c b'],
    ['{ line.net: { atLeast: 10 } }', 'c'],
    ['{ line.gross: 12, line.tax: 2 }', 'c'],
    ['{ line.quantity: 1 }', 'b'],
    ['{ line.kind: item }', 'c b'],
    ['{ line.brand: own }', 'b'],
    ['{ line.brand: { not: own } }', 'c'],
    ['{ line.organic: true }', 'b'],
    ['{ net: 15, line.category: bread }', 'b'],
    ['{ net: 14, line.category: bread }', ''],
    ['{ any: [{ line.category: coffee }, { line.brand: own }] }', 'c b'],
    ['{ none: [{ line.category: coffee }] }', 'b'],
    ['{ where: "line.net * 2 > net" }', 'c'],
  ] as const
  for (const [when, expected] of rows) {
    const text = `{ id: rule, on: purchase, forEach: line, when: ${when}, award: 1 bean }`
    const { awards } = value({ rules: [text], transaction: { lines: [coffee, bread] } })
    t.equal(awards.map(({ lineId }) => lineId).join(' '), expected, when)
  }
})

t.test("midnight, and the hour that is skipped, are of the program's zone", async (t) => {
  const rows = [
    // 23:30 UTC on Monday is already Tuesday in Berlin
    ['{ weekday: tuesday, date: 2026-03-17 }', '2026-03-16T23:30:00Z', 1],
    ['{ weekday: monday }', '2026-03-16T23:30:00Z', 0],
    ['{ time: { between: ["22:00", "02:00"] } }', '2026-03-16T21:00:00Z', 1],
    ['{ time: { between: ["22:00", "02:00"] } }', '2026-03-17T00:59:59Z', 1],
    ['{ time: { between: ["22:00", "02:00"] } }', '2026-03-17T01:00:00Z', 0],
    ['{ time: { between: ["03:00", "04:00"] } }', '2026-03-29T01:00:00Z', 1],
    ['{ time: { between: ["02:00", "03:00"] } }', '2026-03-29T00:59:59Z', 0],
  ] as const
  for (const [when, at, fired] of rows) {
    const { awards } = value({
      rules: [`{ id: rule, on: purchase, when: ${when}, award: 1 bean }`],
      transaction: { at },
    })
    t.equal(awards.length, fired, `${when} at ${at}`)
  }
})

t.test('a value of another type than declared counts as missing', async (t) => {
  for (const basketAge of ['5', true, 5.5, null]) {
    const { trace } = value({
      rules: ['{ id: rule, on: purchase, when: { basketAge: { atLeast: 0 } }, award: 1 bean }'],
      transaction: { attributes: { basketAge } },
      explain: true,
    })
    t.equal(trace[0]?.because, 'basketAge is missing', String(basketAge))
  }
})

t.test('so does a day that is none', async (t) => {
  for (const departure of ['2026-02-30', '9', 20260317]) {
    const { trace } = value({
      rules: ['{ id: rule, on: flight, when: { departure: { atLeast: 2026-01-01 } }, award: 1 bean }'],
      transaction: { type: 'flight', attributes: { departure } },
      explain: true,
    })
    t.equal(trace[0]?.because, 'departure is missing', String(departure))
  }
})

t.test('conditions that are not understood', async (t) => {
  const rows = [
    ['tuesday', 'when: expected conditions such as `weekday: tuesday`'],
    ['{ weekdy: tuesday }', 'when.weekdy: unknown fact "weekdy" (did you mean "weekday"?)'],
    [
      '{ constructor: a }',
      'when.constructor: unknown fact "constructor" (known here: net, tax, gross, quantity, lines, location, channel, weekday, time, date, coupon, basketAge, stay, member.city, member.age, member.staff, memberFor, tier, tier.status, segment …)',
    ],
    [
      '{ distance: 3 }',
      'when.distance: unknown fact "distance" (known here: net, tax, gross, quantity, lines, location, channel, weekday, time, date, coupon, basketAge, stay, member.city, member.age, member.staff, memberFor, tier, tier.status, segment …)',
    ],
    [
      '{ weekday: tusday }',
      'when.weekday: "tusday" is not one of monday, tuesday, wednesday, thursday, friday, saturday, sunday (did you mean "tuesday"?)',
    ],
    [
      '{ line.sku: A }',
      'when.line.sku: "line.sku" differs from line to line (add `forEach: line` to the rule, or `lines: { … }` for some lines together)',
    ],
    ['{ net: { atLest: 3 } }', 'when.net.atLest: unknown operator "atLest" (did you mean "atLeast"?)'],
    [
      '{ net: { } }',
      'when.net: expected a value or an operator: is, not, in, notIn, atLeast, atMost, above, below, between',
    ],
    ['{ net: ten }', 'when.net: expected money such as 10 EUR, not "ten"'],
    ['{ net: 10 USD }', 'when.net: the money of this program is EUR, not USD'],
    [
      '{ net: "1e3" }',
      'when.net: expected money such as 10 EUR, not "1e3" (write the number with all its digits)',
    ],
    ['{ lines: "3" }', 'when.lines: expected a number such as 12.5, not "3" (write 3 without quotes)'],
    ['{ channel: }', 'when.channel: expected a text, not an empty value'],
    [
      '{ channel: { atLeast: a } }',
      'when.channel.atLeast: "atLeast" needs an order, and "channel" is a text (use is, not, in, notIn)',
    ],
    [
      '{ channel: { not: [a, b] } }',
      'when.channel.not: "not" takes a single value (for several values, use notIn)',
    ],
    ['{ channel: { in: a } }', 'when.channel.in: "in" takes a list: [a, b] (write [a])'],
    ['{ channel: [] }', 'when.channel: the list is empty, so nothing could ever match'],
    ['{ channel: [a, [b]] }', 'when.channel[1]: expected a text'],
    [
      '{ net: { between: [20, 10] } }',
      'when.net.between: the ends of "between" are swapped (write [10.00 EUR, 20.00 EUR])',
    ],
    ['{ net: { between: [20] } }', 'when.net.between: "between" takes two values: [from, to]'],
    ['{ net: { between: [1, 2, 3] } }', 'when.net.between: "between" takes two values: [from, to]'],
    [
      '{ time: { between: ["10:00", "10:00"] } }',
      'when.time.between: this stretch of time is empty: it ends when it begins',
    ],
    ['{ time: noon }', 'when.time: expected a time of day such as 14:30, not "noon"'],
    [
      '{ date: 2026-02-30 }',
      'when.date: expected a day such as 2026-12-24, not "2026-02-30" (that month has 28 days)',
    ],
    [
      '{ tier: { atLeast: gld } }',
      'when.tier.atLeast: there is no tier "gld": status has base, silver, gold (did you mean "gold"?)',
    ],
    ['{ tier.club: gold }', 'when.tier.club: there is no ladder "club"'],
    ['{ member.staff: yes }', 'when.member.staff: expected true or false, not "yes" (write true)'],
    ['{ member.stff: true }', 'when.member.stff: unknown fact "member.stff" (did you mean "member.staff"?)'],
    ['{ any: { channel: app } }', 'when.any: "any" takes a list of conditions'],
    ['{ none: [] }', 'when.none: "none" needs at least one condition'],
    ['{ where: net }', 'when.where: "where" takes a condition (compare with ==, <, > or in)'],
    ['{ where: "net >" }', 'when.where+5: the formula ends here, expected a value'],
    [
      '{ weekdy: a, any: [{ chanel: b }] }',
      'when.weekdy: unknown fact "weekdy" (did you mean "weekday"?)|when.any[0].chanel: unknown fact "chanel" (did you mean "channel"?)',
    ],
  ] as const
  for (const [when, expected] of rows) {
    const { value: compiled, problems } = checkRule(
      `{ id: rule, on: purchase, when: ${when}, award: 1 bean }`,
    )
    t.equal(problems.join('|'), expected, when)
    t.equal(compiled, null)
  }
})

t.test('a rule on several types uses what all of them declare alike', async (t) => {
  const check = (when: string) =>
    checkRule(`{ id: rule, on: [purchase, flight], when: ${when}, award: 1 bean }`).problems.join('|')
  t.equal(check('{ channel: app }'), '')
  t.equal(check('{ distance: 3 }'), 'when.distance: "distance" is declared for flight, but not for purchase')
  t.equal(check('{ stay: 3 }'), 'when.stay: "stay" is text for purchase, but number for flight')
})

t.test('tier alone is enough for one ladder only', async (t) => {
  const two = { ...scope, ladders: new Map([...scope.ladders, ['club', ['guest', 'friend']]]) }
  const none = { ...scope, ladders: new Map() }
  const text = '{ id: rule, on: purchase, when: { tier: friend }, award: 1 bean }'
  t.same(checkRule(text, two).problems, ['when.tier: say which ladder: tier.status or tier.club'])
  t.same(checkRule(text, none).problems, ['when.tier: this program has no tiers'])
  t.ok(rule(text.replace('tier:', 'tier.club:'), two))
})

t.test('conditions on lines that never earn', async (t) => {
  const rows = [
    ['{ category: coffee }', ''],
    ['{ line.category: coffee }', ''],
    ['[{ category: coffee }, { brand: own }]', ''],
    ['{ where: "net > 5 EUR" }', ''],
    ['{ catgory: coffee }', 'catgory: unknown fact "catgory" (did you mean "category"?)'],
    [
      '{ weekday: monday }',
      'weekday: unknown fact "weekday" (known here: net, tax, gross, quantity, sku, category, kind, brand, organic)',
    ],
    ['{ where: "awarded(first) > 1" }', 'where+8: awarded() can be used in rules only'],
    // "not" is a word, not the beginning of one.
    ...['notebooks', 'nothing', 'Exceptional'].map((text) => [`{ category: ${text} }`, ''] as const),
    [
      '{ category: not coffee }',
      'category: "not coffee" would be a text like any other (write { not: coffee }; if it is one text, put it in quotes)',
    ],
    ['[]', ': expected conditions on lines, such as `category: tobacco`'],
  ] as const
  for (const [text, expected] of rows) {
    const { value: condition, problems } = checkLines(text)
    t.equal(problems.join('|'), expected, text)
    t.equal(condition === null, expected !== '')
  }
})
