/**
 * The arithmetic of experiments on a trial that really was: an e-mail sent to a random two thirds of customers. Halves
 * of those who got none, drawn again and again, differ in nothing, and intervals must say so as often as they promise.
 */
import t from 'tap'
import { addTo, newcombe, noSums, sampleRatio, welch } from '../../src/retention/difference.ts'
import { randomNumbers } from '../../src/retention/simulation.ts'
import { absent, readRows } from '../support/reference.ts'

const FILE = 'email_trial_half.csv.gz'
const skip = absent(FILE)

interface Customer {
  readonly arm: string
  readonly visited: boolean
  readonly spend: number
}

function customers(): Customer[] {
  return readRows(FILE).map((row) => {
    const [arm, visit, , spend] = row.slice(-4)
    return { arm: arm!, visited: visit === '1', spend: Number(spend) }
  })
}

function seen(group: readonly Customer[]) {
  const hits = group.filter(({ visited }) => visited).length
  return { members: group.length, hits, spend: group.reduce((sums, { spend }) => addTo(sums, spend), noSums) }
}

const DRAWS = 4_000

t.test(
  'A/A on those who got no e-mail: 95 % intervals cover nothing as often as they say',
  { skip },
  async (t) => {
    const nobody = customers().filter(({ arm }) => arm === 'No E-Mail')
    const random = randomNumbers(7)
    const covered = { spend: 0, visits: 0 }
    for (let draw = 0; draw < DRAWS; draw++) {
      const halves: [Customer[], Customer[]] = [[], []]
      for (const one of nobody) halves[random() < 0.5 ? 0 : 1].push(one)
      const [a, b] = halves.map(seen) as [ReturnType<typeof seen>, ReturnType<typeof seen>]
      const [mean, share] = [welch(a.spend, b.spend, { confidence: 0.95 })!, newcombe(a, b)!]
      if (mean.low <= 0 && mean.high >= 0) covered.spend += 1
      if (share.low <= 0 && share.high >= 0) covered.visits += 1
    }
    t.comment(`${nobody.length} customers, ${DRAWS} draws: ${JSON.stringify(covered)}`)
    for (const [of, times] of Object.entries(covered))
      t.ok(times / DRAWS >= 0.94 && times / DRAWS <= 0.96, `${of}: ${times / DRAWS}`)
  },
)

t.test('what the e-mails did is found, and that chance made the groups', { skip }, async (t) => {
  const all = customers()
  const arms = ['Mens E-Mail', 'Womens E-Mail', 'No E-Mail'].map((arm) =>
    seen(all.filter((one) => one.arm === arm)),
  )
  t.ok(
    sampleRatio(
      arms.map(({ members }) => members),
      [1, 1, 1],
    ) > 0.001,
  )
  const [mens, womens, nobody] = arms as [(typeof arms)[0], (typeof arms)[0], (typeof arms)[0]]
  for (const [name, arm] of Object.entries({ mens, womens })) {
    const share = newcombe(arm, nobody)!
    const mean = welch(arm.spend, nobody.spend, { confidence: 0.95 })!
    t.comment(`${name}: visits ${JSON.stringify(share)}, spend ${JSON.stringify(mean)}`)
    t.ok(share.low > 0, `${name}: more of them came`)
    t.ok(mean.low > 0, `${name}: and they spent more`)
  }
})
