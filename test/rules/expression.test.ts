/**
 * Formulas: what they come to, exactly, and what is said of wrong ones, with the offset of the wrong token.
 */
import t from 'tap'
import { basisOf } from '../../src/rules/basis.ts'
import { compileExpression } from '../../src/rules/expression.ts'
import type { Terms } from '../../src/rules/fact.ts'
import { Sight } from '../../src/rules/sight.ts'
import { show } from '../../src/rules/value.ts'
import { line, member, scope, transaction } from './fixtures.ts'

const at = { file: 'test.yaml', line: 1, column: 1, path: 'award' }

function compiled(text: string, terms: Terms, currency: string | null = null) {
  const problems: string[] = []
  const expression = compileExpression(
    { text, at, offset: 0, currency },
    terms,
    ({ offset, message, hint }) => {
      problems.push(`${offset}: ${message}${hint === undefined ? '' : ` (${hint})`}`)
    },
  )
  return { expression, problems }
}

const flight: Terms = { scope, rule: 'rule', on: ['flight'], lines: 'none' }
const purchase: Terms = { scope, rule: 'rule', on: ['purchase'], lines: 'line' }

/** The value in words, or the reason why there is none. */
function result(text: string, terms: Terms): string {
  const { expression, problems } = compiled(text, terms)
  if (!expression) return `does not compile: ${problems.join('; ')}`
  const facts =
    terms === flight
      ? transaction({
          type: 'flight',
          channel: 'app',
          attributes: {
            distance: 984,
            carrier: 'own',
            fareClass: 'Y',
            route: 'mars',
            departure: '2026-03-17',
          },
        })
      : transaction({
          lines: [line({ net: '12.50', tax: '2.50', quantity: '3', attributes: { brand: 'own' } })],
        })
  const givers = new Map([
    ['first', ['beans']],
    ['second', ['beans', 'miles']],
  ])
  const sight = new Sight({
    transaction: facts,
    member: member('silver', { age: 30 }),
    timeZone: 'Europe/Berlin',
    givers,
  })
  sight.basis = basisOf(facts, () => false)
  sight.line = facts.lines[0] ?? null
  sight.give('first', 'beans', 7n)
  const value = expression.run(sight)
  return value === undefined ? `none: ${sight.failure}` : show(expression.type, value)
}

t.test('values', async (t) => {
  const rows = [
    // decimals are exact, and bind as everybody learnt
    ['0.1 + 0.2', '0.3'],
    ['1.10 * 1.10', '1.21'],
    ['1 + 2 * 3', '7'],
    ['(1 + 2) * 3', '9'],
    ['10 - 4 - 3', '3'],
    ['12 / 2 / 3', '2'],
    ['-2 * -3', '6'],
    ['- -2', '2'],
    ['floor(10 / 3 * 3)', '10'],
    ['floor(1 / 3 * 3)', '1'],
    ['ceil(7 / 7 * 7)', '7'],
    // functions
    ['max(500, distance)', '984'],
    ['min(500, distance, 3)', '3'],
    ['floor(2.7) + ceil(2.1) + round(2.5)', '8'],
    ['floor(-0.5)', '-1'],
    ['abs(-2.5)', '2.5'],
    // conditions
    ['1 < 2 and 2 <= 2 and 3 > 2 and 2 >= 2', 'true'],
    ['1 == 1.0', 'true'],
    ['1 != 1.0', 'false'],
    ['not 1 > 2 and true', 'true'],
    ['false and false or true', 'true'],
    ['true or stay > 1', 'true'],
    ['false and stay > 1', 'false'],
    ["carrier == 'own'", 'true'],
    ['carrier in ["partner", "own"]', 'true'],
    ["carrier not in ['partner']", 'true'],
    ['2 in [1, 2 * 1]', 'true'],
    ["channel == 'app'", 'true'],
    ["weekday == 'tuesday'", 'true'],
    ["time >= '12:00' and time < '12:01'", 'true'],
    ["date == '2026-03-17' and departure <= date", 'true'],
    // days, over leap years and the year's end
    ['date - departure', '0'],
    ["date - '2026-02-17'", '28'],
    ["departure - '2024-02-28'", '748'],
    ["'2024-03-01' - departure", '-746'],
    ["(departure - '2025-12-31') / 2 >= 38", 'true'],
    ['year(date) * 10000 + month(departure) * 100 + day(date)', '20260317'],
    ["month('2026-12-31')", '12'],
    ['month(date) == month(departure)', 'true'],
    ["tier == 'silver'", 'true'],
    ["tier < 'gold'", 'true'],
    ["'gold' > tier.status", 'true'],
    ['if distance > 900 then 2 else 1', '2'],
    ["if carrier == 'own' then 1 else if distance > 900 then 2 else 3", '1'],
    ['2 * (if false then 1 else 3) + 1', '7'],
    ['member.age >= 18', 'true'],
    // tables
    ['fares[fareClass].rate', '1.25'],
    ["fares['M'].rate", '0.75'],
    ["routes['asia']", '1.5'],
    ['bonus[tier]', '0.25'],
    ['bonus[tier].rate * 2', '0.5'],
    // what earlier rules gave
    ['0.5 * awarded(first)', '3.5'],
    ["awarded('first')", '7'],
    // no value, and why
    ['distance / (1 - 1)', 'none: division by zero'],
    ['stay + 1', 'none: stay is missing'],
    ['stay > 1 or true', 'none: stay is missing'],
    ['if stay > 1 then 1 else 2', 'none: stay is missing'],
    ['max(1, stay)', 'none: stay is missing'],
    ['not (stay > 1)', 'none: stay is missing'],
    ['stay in [1]', 'none: stay is missing'],
    ['routes[route]', 'none: table routes has no row "mars"'],
    [
      'awarded(second)',
      'none: rule second gives several currencies, so awarded(second) can mean any of them',
    ],
  ] as const
  for (const [text, expected] of rows) t.equal(result(text, flight), expected, text)
})

t.test('money keeps its type', async (t) => {
  const rows = [
    ['net', '12.50 EUR'],
    ['net + tax', '15.00 EUR'],
    ['net * 2', '25.00 EUR'],
    ['2 * net', '25.00 EUR'],
    ['net / 2', '6.25 EUR'],
    ['net / tax', '5'],
    ['net / 1 EUR', '12.5'],
    ['max(net - 5 EUR, 0 EUR)', '7.50 EUR'],
    ['floor(net)', '12.00 EUR'],
    ['-net', '-12.50 EUR'],
    ['net > 12.49 EUR', 'true'],
    ['line.net / line.quantity', '4.166667 EUR'],
    ['100 * line.net / net', '100'],
    ["line.brand == 'own'", 'true'],
  ] as const
  for (const [text, expected] of rows) t.equal(result(text, purchase), expected, text)
})

t.test('wrong formulas', async (t) => {
  const digits = '1'.repeat(21)
  const rows = [
    // reading
    ['', '0: the formula ends here, expected a value'],
    ['1 +', '3: the formula ends here, expected a value'],
    ['  1 + * 2', '6: unexpected "*", expected a value'],
    ['(1 + 2', '6: the formula ends here, expected ")"'],
    ['1 2', '2: unexpected "2"'],
    ['1,000', '1: unexpected "," (write decimals with a point: 1.5)'],
    ["'open", "0: this text has no closing '"],
    ['distance = 3', '9: unexpected "=" (to compare, write ==)'],
    ['true && false', '5: unexpected "&" (write and)'],
    ['!true', '0: unexpected "!" (write not)'],
    ['distance # 3', '9: unexpected "#"'],
    ['.5', '0: unexpected ".", expected a value'],
    ['1 < 2 < 3', '6: comparisons do not chain (join two of them with and)'],
    ['carrier in []', '12: the list is empty'],
    ['carrier in "own"', '11: unexpected "own", expected "["'],
    ['if true then 1', '14: the formula ends here, expected "else"'],
    ['then', '0: unexpected "then", expected a value'],
    ['awarded()', '8: unexpected ")", expected the id of a rule'],
    [digits, '0: a number has at most 20 digits'],
    [`${'('.repeat(65)}1${')'.repeat(65)}`, '64: a formula is nested at most 64 deep'],
    [`${'-'.repeat(65)}1`, '64: a formula is nested at most 64 deep'],
    [`${'not '.repeat(65)}true`, '256: a formula is nested at most 64 deep'],
    [`1${' + 1'.repeat(1000)}`, '4000: a formula has at most 4000 characters'],
    // names
    ['disance * 2', '0: unknown name "disance" (did you mean "distance"?)'],
    ['max(500, distnce)', '9: unknown name "distnce" (did you mean "distance"?)'],
    [
      'constructor',
      '0: unknown name "constructor" (known here: net, tax, gross, quantity, lines, location, channel, weekday, time, date, distance, carrier, fareClass, route, departure, stay, member.city, member.age, member.staff, memberFor …)',
    ],
    [
      '__proto__ == 1',
      '0: unknown name "__proto__" (known here: net, tax, gross, quantity, lines, location, channel, weekday, time, date, distance, carrier, fareClass, route, departure, stay, member.city, member.age, member.staff, memberFor …)',
    ],
    ['toString()', '0: unknown function "toString"'],
    ['maxx(1)', '0: unknown function "maxx" (did you mean "max"?)'],
    ['max + 1', '0: "max" is a function (write max(…))'],
    ['fares * 2', '0: "fares" is a table (write fares[…])'],
    [
      'line.net > 1 EUR',
      '0: "line.net" differs from line to line (add `forEach: line` to the rule, or `lines: { … }` for some lines together)',
    ],
    ['member.agee > 1', '0: unknown name "member.agee" (did you mean "member.age"?)'],
    ['tier.staus == "gold"', '0: there is no ladder "staus" (did you mean "status"?)'],
    [
      'disance + distnce',
      '0: unknown name "disance" (did you mean "distance"?)|10: unknown name "distnce" (did you mean "distance"?)',
    ],
    // tables
    ['fare[fareClass].rate', '0: there is no table "fare" (did you mean "fares"?)'],
    ['fares[fareClass].rat', '17: table fares has no column "rat" (did you mean "rate"?)'],
    ['fares[fareClass]', '0: say which column of fares: rate, boarding'],
    ["fares['X'].rate", '6: table fares has no row "X" (did you mean "Y"?)'],
    ['fares[distance].rate', '6: a row is found by a text or a tier, not by a number'],
    ["routes['asia'].rate", '15: table routes has no columns (write routes[…] alone)'],
    // earlier rules
    ['awarded(frist)', '8: there is no rule "frist" (did you mean "first"?)'],
    ['awarded(rule)', '8: a rule cannot build on its own award'],
    // types
    ['net + 5', '4: cannot add money and a number (write money with its unit, such as 10 EUR)'],
    ['net * net', '4: cannot multiply money and money'],
    ['2 / net', '2: cannot divide a number and money (write money with its unit, such as 10 EUR)'],
    ['net > 10', "6: expected money, not a number (write the money's unit: 10 EUR)"],
    ['distance > 5 EUR', '11: expected a number, not money (divide by 1 EUR to make money a number)'],
    ['net > 10 USD', '6: the money of this program is EUR, not USD'],
    ['max(net, 0)', "9: expected money, not a number (write the money's unit: 10 EUR)"],
    ['distance / 0.0', '11: division by zero'],
    ['distance + "1"', '11: expected a number or money, not a text'],
    ['distance == "1"', '12: expected a number, not the text "1"'],
    ['distance and true', '0: expected a condition, not a number'],
    ['not distance', '4: expected a condition, not a number'],
    ['carrier < "own"', '8: a text has no order: use == or !='],
    ['true < false', '5: true or false has no order: use == or !='],
    ['carrier == "ownn"', '11: "ownn" is not one of own, partner (did you mean "own"?)'],
    ['carrier in ["own", "partnr"]', '19: "partnr" is not one of own, partner (did you mean "partner"?)'],
    ['tier == "gld"', '8: there is no tier "gld": status has base, silver, gold (did you mean "gold"?)'],
    ['time > "25:00"', '7: expected a time of day such as 14:30, not "25:00"'],
    [
      'date > "2026-02-30"',
      '7: expected a day such as 2026-12-24, not "2026-02-30" (that month has 28 days)',
    ],
    ['if distance then 1 else 2', '3: expected a condition, not a number'],
    ['if true then 1 else "a"', '20: expected a number, not the text "a"'],
    ['floor(1, 2)', '0: floor takes one value, not 2'],
    ['max()', '0: max takes at least one value'],
    ['distance in [1, carrier]', '16: expected a number, not a text'],
  ] as const
  for (const [text, expected] of rows) {
    const { expression, problems } = compiled(text, flight)
    t.equal(problems.join('|'), expected, text.slice(0, 60))
    t.equal(expression, null)
  }
})

t.test('the facts that a formula sees are known', async (t) => {
  const text = 'max(500, distance) * fares[fareClass].rate + awarded(first)'
  const names = compiled(text, flight).expression?.facts.map(({ name }) => name)
  t.same(names, ['distance', 'fareClass', 'fares[fareClass].rate', 'awarded(first)'])
})
