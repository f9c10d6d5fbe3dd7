/**
 * The expected uplift of a flag from what experiments found: by hand where it can be reckoned, finite whatever the
 * groups are, and never further from 1 than what is known allows.
 */
import t from 'tap'
import { addTo, noSums } from '../../src/retention/difference.ts'
import { type Spenders, type Trial, upliftOf } from '../../src/retention/uplift.ts'
import { fc, runs } from '../support/property.ts'

/** `20x10 5x30`: twenty members who spent 10 each, five who spent 30. */
function spenders(text: string): Spenders {
  const all = text
    .split(' ')
    .map((part) => part.split('x').map(Number) as [number, number])
    .flatMap(([many, each]) => Array<number>(many).fill(each))
  return { buyers: all.filter((spent) => spent > 0).length, spend: all.reduce(addTo, noSums) }
}

/** `treated / control; treated / control` */
function trials(text: string): Trial[] {
  return text.split('; ').flatMap((one): Trial[] => {
    const [treated, control] = one.split(' / ')
    return treated && control ? [{ treated: spenders(treated), control: spenders(control) }] : []
  })
}

// A group of 40, half with 10 and half with 30: mean 20, s^2 = 4000/39, so s^2 / (n mean^2) = 1/156 = 0.006410.
// Two of them have 1/78; with the prior's 1/0.04 = 25 a log ratio counts 78/103. Of 20: 1/76 and 38/63.
const rows = [
  ['', 1], // no experiment, no opinion
  ['20x10 20x30 / 20x10 20x30', 1], // nothing changed
  ['20x20 20x60 / 20x10 20x30', 2 ** (78 / 103)], // twice as much
  ['20x10 20x30 / 20x20 20x60', 0.5 ** (78 / 103)], // half as much: acting harms
  ['10x20 10x60 / 10x10 10x30', 2 ** (38 / 63)], // the same from half as many moves it less
  ['20x20 20x60 / 20x10 20x30; 20x20 20x60 / 20x10 20x30', 2 ** (156 / 181)], // said twice, more
  ['20x20 20x60 / 20x10 20x30; 20x10 20x30 / 20x20 20x60', 1], // one against the other
  ['20x20 20x60 / 20x10 20x30; 10x20 10x60 / 10x10 10x30', 2 ** (116 / 141)], // each by what it knows
  ['9x20 10x60 / 10x10 10x30', 1], // nineteen are too few
  ['10x20 10x60 / 9x10 10x30', 1],
  ['20x0 / 20x0', 1], // nobody bought: nothing is known
  ['20x40 / 20x20', 2 ** (1e6 / (1e6 + 25))], // no spread at all is not believed wholly
  // No buyer is half a buyer with the others' basket, variance 2: 20 of 40 is 40 times that; 19/20 of 1/19 is 1/20.
  ['10x0 10x40 / 20x0', Math.exp(Math.log(20) / (2 + 1 / 19) / (25 + 1 / (2 + 1 / 19)))],
  ['20x0 / 10x0 10x40', Math.exp(-Math.log(20) / (2 + 1 / 19) / (25 + 1 / (2 + 1 / 19)))],
] as const

/** Standard normal quantile at 0.975 */
const Z = 1.959963984540054

t.test('what experiments found, and how much of it is believed', async (t) => {
  for (const [text, expected] of rows)
    t.ok(
      Math.abs(upliftOf(trials(text)).uplift - expected) < 1e-9,
      `${text}: ${upliftOf(trials(text)).uplift}, ${expected}`,
    )
  t.equal(upliftOf([]).uplift, 1, 'exactly')
  // Without a trial 95 % are those of the assumption: 1.96 deviations of 0.2; with one, of 1 / sqrt(78 + 25).
  const none = upliftOf([])
  t.match(none, { trials: 0, treated: 0, control: 0 })
  t.ok(Math.abs(Math.log(none.high) - 0.2 * Z) < 1e-9 && Math.abs(none.low * none.high - 1) < 1e-9)
  const twice = upliftOf(trials('20x20 20x60 / 20x10 20x30; 9x20 10x60 / 10x10 10x30'))
  t.match(twice, { trials: 1, treated: 40, control: 40 }, 'who is not heard is not counted')
  t.ok(Math.abs(Math.log(twice.high / twice.uplift) - Z / Math.sqrt(103)) < 1e-9)
  t.ok(Math.abs(Math.log(twice.low / twice.uplift) + Z / Math.sqrt(103)) < 1e-9)
})

const group = fc
  .array(fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 1e6, noNaN: true })), { maxLength: 60 })
  .map((all): number[] => all)
const sums = (all: readonly number[]): Spenders => ({
  buyers: all.filter((spent) => spent > 0).length,
  spend: all.reduce(addTo, noSums),
})

t.test('whatever the groups: finite, above zero, and harm is the mirror of help', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(group, group), { maxLength: 4 }), (pairs) => {
      const there = pairs.map(([a, b]) => ({ treated: sums(a), control: sums(b) }))
      const back = pairs.map(([a, b]) => ({ treated: sums(b), control: sums(a) }))
      const [{ uplift, low, high }, mirror] = [upliftOf(there), upliftOf(back).uplift]
      return (
        Number.isFinite(high) &&
        low > 0 &&
        low < uplift &&
        uplift < high &&
        Math.abs(uplift * mirror - 1) < 1e-9
      )
    }),
    { numRuns: runs(200) },
  )
})

t.test('who spends more is worth more, and nobody is believed further than the figures go', async () => {
  const some = fc.array(fc.double({ min: 1, max: 100, noNaN: true }), { minLength: 20, maxLength: 60 })
  fc.assert(
    fc.property(some, some, fc.double({ min: 1.01, max: 10, noNaN: true }), (treated, control, factor) => {
      const against = { control: sums(control) }
      const plain = upliftOf([{ ...against, treated: sums(treated) }]).uplift
      const more = upliftOf([{ ...against, treated: sums(treated.map((spent) => spent * factor)) }]).uplift
      const [a, b] = [sums(treated).spend, sums(control).spend]
      const ratio = a.sum / a.members / (b.sum / b.members)
      return more > plain && Math.abs(Math.log(plain)) <= Math.abs(Math.log(ratio)) + 1e-9
    }),
    { numRuns: runs(200) },
  )
})
