/** Spend per purchase: the law's parameters are found again, and where there is nothing to find it says why. */
import t from 'tap'
import { examineSpend, expectedMean, fitSpend } from '../../src/retention/spend.ts'
import { gamma, seeded } from '../support/buyers.ts'
import { fc } from '../support/property.ts'

function spenders(members: number, { p, q, scale }: { p: number; q: number; scale: number }, seed: number) {
  const random = seeded(seed)
  return Array.from({ length: members }, (_, i) => {
    const x = 1 + (i % 9)
    const rate = gamma(random, q) / scale
    return { x, mean: gamma(random, p * x) / (rate * x) }
  })
}

t.test('the parameters are found again', async (t) => {
  const law = { p: 5, q: 4, scale: 20 }
  const base = (law.p * law.scale) / (law.q - 1)
  // p and the scale are hard to tell apart, their product is not. The larger base is taken in groups.
  for (const [members, far, close] of [
    [4_000, 0.3, 0.1],
    [30_000, 0.15, 0.03],
  ] as const) {
    const spend = fitSpend(spenders(members, law, members))
    const { p = 0, q = 0 } = spend?.parameters ?? {}
    const rows = [
      ['p', p, law.p, far],
      ['q', q, law.q, close],
      ['base', spend?.expectedMean(0, 0) ?? 0, base, close],
    ] as const
    for (const [what, found, wanted, allowed] of rows) {
      t.ok(Math.abs(found / wanted - 1) < allowed, `${members}, ${what}: ${found} for ${wanted}`)
    }
    t.ok(Math.abs(spend?.correlation ?? 1) < 0.05, 'spend was drawn without regard to purchases')
  }
})

t.test('groups count as members', async (t) => {
  const customers = spenders(400, { p: 3, q: 3, scale: 30 }, 5)
  const twice = fitSpend([...customers, ...customers])
  const counted = fitSpend(customers.map((customer) => ({ ...customer, count: 2 })))
  t.equal(counted?.members, 800)
  t.ok(Math.abs((twice?.logLikelihood ?? 0) - (counted?.logLikelihood ?? 1)) < 1e-6)
})

const same = (count: number, x: number, mean: number) => Array.from({ length: count }, () => ({ x, mean }))

t.test('where there is nothing to find', async (t) => {
  const rows = [
    ['nobody', [], 'too_few'],
    ['nine', same(9, 2, 10), 'too_few'],
    ['all the same', same(50, 2, 10), 'all_equal'],
    ['nothing paid', same(50, 2, 0), 'too_few'],
    ['paid back', same(50, 2, -3), 'too_few'],
    ['never bought', same(50, 0, 10), 'too_few'],
    ['no numbers', same(50, 2, Number.NaN), 'too_few'],
  ] as const
  for (const [what, customers, reason] of rows) {
    t.strictSame(examineSpend(customers), { spend: null, reason }, what)
    t.equal(fitSpend(customers), null, what)
  }
})

t.test('odd amounts', async (t) => {
  const rows = [
    ['two prices', [...same(30, 2, 10), ...same(30, 2, 10.01)]],
    ['a million apart', [...same(30, 2, 0.01), ...same(30, 5, 1e6)]],
    ['5,000 purchases', [...same(30, 2, 10), { x: 5_000, mean: 3 }]],
    ['tiny', [...same(30, 1, 1e-9), ...same(30, 1, 2e-9)]],
  ] as const
  for (const [what, customers] of rows) {
    const spend = fitSpend(customers)
    const { p = 0, q = 0, gamma: scale = 0 } = spend?.parameters ?? {}
    for (const { x, mean } of [...customers, { x: 0, mean: 0 }, { x: 3, mean: Number.NaN }]) {
      const expected = spend?.expectedMean(x, mean) ?? Number.NaN
      t.ok(Number.isFinite(expected) && expected > 0, `${what}: ${expected} with ${p} ${q} ${scale}`)
    }
  }
})

t.test('what is expected lies between the own mean and that of the base', async () => {
  const shape = fc.double({ min: 0.1, max: 50, noNaN: true })
  fc.assert(
    fc.property(shape, shape, shape, fc.integer({ min: 1, max: 200 }), shape, (p, more, gamma, x, mean) => {
      const law = { p, q: 1 + more, gamma }
      const [base, found] = [expectedMean(law, 0, 0), expectedMean(law, x, mean)]
      const nearer = Math.abs(expectedMean(law, x + 1, mean) - mean) <= Math.abs(found - mean) + 1e-9 * mean
      return (
        found >= Math.min(base, mean) * (1 - 1e-9) && found <= Math.max(base, mean) * (1 + 1e-9) && nearer
      )
    }),
  )
})
