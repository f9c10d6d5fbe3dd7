/**
 * Members simulated from each law: the fit finds its parameters again, and what the true law says of members
 * after their histories comes true among them, group by group. Seeded, so either always passes or never.
 */
import t from 'tap'
import { compress } from '../../src/retention/cell.ts'
import type { ModelName } from '../../src/retention/family.ts'
import { type FittedModel, fitModels, modelOf } from '../../src/retention/model.ts'
import { type Buyer, type Law, logGapsOf, seeded, simulate } from '../support/buyers.ts'

t.setTimeout(600_000)

const laws: readonly (readonly [ModelName, Law])[] = [
  ['nbd', { r: 0.8, alpha: 6 }],
  ['bg_nbd', { r: 0.6, alpha: 5, a: 0.8, b: 2.5 }],
  ['mbg_cnbd_k', { r: 1.2, alpha: 4, a: 0.6, b: 2, k: 1, firstToss: 1 }],
  ['mbg_cnbd_k', { r: 1.5, alpha: 2.5, a: 0.5, b: 2, k: 2, firstToss: 1 }],
  ['mbg_cnbd_k', { r: 1.5, alpha: 1, a: 0.5, b: 2, k: 4, firstToss: 1 }],
  ['pareto_nbd', { r: 0.7, alpha: 6, s: 0.8, beta: 15 }],
]

const AHEAD = 26
const plan = { members: 5_000, ages: [10, 90], ahead: AHEAD } as const

function parametersOf({ firstToss: _, ...parameters }: Law): Record<string, number> {
  return { ...parameters }
}

t.test('a fit finds the parameters again', async (t) => {
  for (const [seed, [name, law]] of laws.entries()) {
    const buyers = simulate(law, plan, seeded(seed + 1))
    const { best, all } = fitModels(compress(buyers), { models: [name], logGaps: logGapsOf(buyers) })
    const fitted = all.find((each) => each.name === name)
    t.equal(best.name, name, `${name} is better than NBD where it is the truth`)
    for (const [key, value] of Object.entries(parametersOf(law))) {
      const found = fitted?.parameters[key] ?? Number.NaN
      const allowed = key === 'k' ? 0 : 0.2
      t.ok(Math.abs(found / value - 1) <= allowed, `${name} ${key}: ${found} for ${value}`)
    }
    t.equal(fitted?.dropoutIdentified, name !== 'nbd')
    t.equal(fitted?.pAlive({ x: 3, tx: 5, T: 40 }) === null, name === 'nbd')
  }
})

t.test('nobody ever leaves: dropout is not made up', async (t) => {
  for (const seed of [11, 12]) {
    const buyers = simulate({ r: 0.8, alpha: 6 }, { ...plan, members: 3_000 }, seeded(seed))
    const { best, all } = fitModels(compress(buyers), { k: 1 })
    t.equal(best.name, 'nbd')
    t.strictSame(
      all.map((each) => each.pAlive({ x: 2, tx: 3, T: 80 })),
      all.map(() => null),
      'no model claims to know who is gone',
    )
  }
})

/** Purchases so far, and how long silent: like members, so that a formula cannot be right on average only. */
function groupOf({ x, tx, T }: Buyer): string {
  return `${Math.min(x, 8)} purchases, silent ${Math.min(Math.floor((T - tx) / 10), 5)}0`
}

interface Claim {
  readonly what: string
  readonly said: (model: FittedModel, buyer: Buyer) => number
  readonly came: (buyer: Buyer) => number
}

const claims: readonly Claim[] = [
  {
    what: 'silent',
    said: (model, buyer) => model.pSilent(buyer, AHEAD),
    came: ({ later }) => (later === 0 ? 1 : 0),
  },
  {
    what: 'at most 2',
    said: (model, buyer) => model.pAtMost(buyer, AHEAD, 2),
    came: ({ later }) => (later <= 2 ? 1 : 0),
  },
  { what: 'expected', said: (model, buyer) => model.expected(buyer, AHEAD), came: ({ later }) => later },
  { what: 'alive', said: (model, buyer) => model.pAlive(buyer) ?? 1, came: ({ alive }) => (alive ? 1 : 0) },
]

/** How many standard errors the sum of what came is off what was said, for the group that is most off. */
function worstOf(buyers: readonly Buyer[], model: FittedModel, { said, came }: Claim) {
  const groups = new Map<string, { size: number; said: number; came: number; variance: number }>()
  for (const buyer of buyers) {
    const group = groups.get(groupOf(buyer)) ?? { size: 0, said: 0, came: 0, variance: 0 }
    const [claim, fact] = [said(model, buyer), came(buyer)]
    group.size += 1
    group.said += claim
    group.came += fact
    // Of a chance p it is p (1 - p) at least; of a count, what was seen about the claim.
    group.variance += Math.max(claim * (1 - claim), (fact - claim) ** 2)
    groups.set(groupOf(buyer), group)
  }
  let worst = { group: 'none', off: 0 }
  for (const [name, group] of groups) {
    // One purchase more or less is no finding where hardly any are expected.
    const miss = Math.max(Math.abs(group.came - group.said) - 1, 0)
    const off = miss / Math.sqrt(group.variance + 1e-12)
    if (group.size >= 100 && off > worst.off) worst = { group: name, off }
  }
  return { ...worst, groups: groups.size }
}

t.test('what a law says of its members comes true', async (t) => {
  for (const [seed, [name, law]] of laws.entries()) {
    const buyers = simulate(law, { ...plan, members: 20_000 }, seeded(100 + seed))
    const rest = { logLikelihood: 0, bic: 0, dropoutIdentified: true }
    const model = modelOf({ name, parameters: parametersOf(law), ...rest })
    for (const claim of claims) {
      const { group, off, groups } = worstOf(buyers, model, claim)
      t.ok(groups > 10 && off < 4, `${name} ${claim.what}: ${off.toFixed(2)} at ${group} of ${groups}`)
    }
  }
})
