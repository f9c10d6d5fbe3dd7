/** Groups that were put there are found again, the same each time; where there are none it is said. */
import t from 'tap'
import { adjustedRand, proposalYaml, proposeGroups, STABLE } from '../../src/retention/clustering.ts'
import { randomNumbers } from '../../src/retention/simulation.ts'

t.setTimeout(600_000)

/** Purchases, days since, tenure, average spend. */
const kinds = [
  [40, 7, 700, 15],
  [4, 60, 300, 120],
  [1.5, 400, 500, 30],
] as const

function members(many: number, blur: number): number[][] {
  const random = randomNumbers(7)
  return Array.from({ length: many }, (_, i) =>
    kinds[i % 3]!.map((typical) => typical * Math.exp(blur * (random() - 0.5))),
  )
}

t.test('three kinds of members come out as three groups', async (t) => {
  const proposal = proposeGroups(members(600, 0.6))!
  t.equal(proposal.groups.length, 3)
  t.strictSame(
    proposal.groups.map((group) => group.members),
    [200, 200, 200],
  )
  t.ok(proposal.stability >= STABLE && proposal.silhouette > 0.5)
  t.strictSame(proposeGroups(members(600, 0.6)), proposal, 'the same members, the same groups')
  const words = proposal.groups.map((group) => group.words)
  t.ok(words.some((one) => one.includes('often') && one.includes('lately')))
  t.ok(words.some((one) => one.includes('long ago')))
  t.match(proposalYaml(proposal), /^clusters:\n {2}features:\n {4}purchases: \[\d/)
})

t.test('no groups of too few members, or of members who are all alike', async (t) => {
  t.equal(proposeGroups(members(49, 0.6)), null)
  t.equal(proposeGroups(Array.from({ length: 200 }, () => [3, 3, 3, 3])), null)
  t.equal(proposeGroups([]), null)
})

t.test('the adjusted Rand index', async (t) => {
  t.equal(adjustedRand([0, 0, 1, 1], [1, 1, 0, 0]), 1, 'names of groups do not matter')
  // By hand: one pair in both, 2 and 3 pairs, 15 in all: (1 - 6/15) / (2.5 - 6/15) for these six.
  const index = adjustedRand([0, 0, 1, 1, 2, 3], [0, 0, 0, 1, 2, 3])
  t.ok(Math.abs(index - (1 - 6 / 15) / (2.5 - 6 / 15)) < 1e-12)
})
