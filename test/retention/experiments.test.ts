/**
 * Experiments by the book: bounds and intervals against published values, chance that never changes, and many
 * simulated campaigns of which those without an effect are believed as rarely as promised.
 */
import t from 'tap'
import { armOf, CONTROL, luck, standingOf } from '../../src/retention/chance.ts'
import {
  addTo,
  newcombe,
  noSums,
  type Sums,
  sampleRatio,
  studentQuantile,
  welch,
} from '../../src/retention/difference.ts'
import { emptyGroup, type Group, lookAt } from '../../src/retention/look.ts'
import { randomNumbers } from '../../src/retention/simulation.ts'
import { boundaries, spent } from '../../src/retention/spending.ts'
import { fc, runs } from '../support/property.ts'

t.setTimeout(600_000)

const even = (looks: number) => Array.from({ length: looks }, (_, i) => (i + 1) / looks)

// Two-sided 5 %, looks evenly apart: the bounds that Lan and DeMets's program and ldbounds print.
const published = [
  [1, '1.9600'],
  [2, '2.9626 1.9686'],
  [3, '3.7103 2.5114 1.9930'],
  [4, '4.3326 2.9631 2.3590 2.0141'],
  [5, '4.8769 3.3569 2.6803 2.2898 2.0310'],
] as const

t.test('bounds by O’Brien-Fleming spending are the published ones', async (t) => {
  for (const [looks, bounds] of published)
    for (const [index, bound] of boundaries(even(looks), 0.05).entries())
      t.ok(
        Math.abs(bound - Number(bounds.split(' ')[index])) < 2e-4,
        `look ${index + 1} of ${looks}: ${bound}`,
      )
  t.equal(spent(0, 0.025), 0)
  t.ok(Math.abs(spent(1, 0.025) - 0.025) < 1e-12)
  const early = boundaries([0.3, 0.6], 0.05, true)
  t.ok(early[1]! < boundaries([0.3, 0.6], 0.05)[1]!, 'a last look that comes early spends what is left')
})

t.test('intervals are the published ones', async (t) => {
  // Newcombe 1998, table II, example (a), method 10: 56/70 and 48/80.
  const shares = newcombe({ members: 70, hits: 56 }, { members: 80, hits: 48 })!
  t.match(
    [shares.difference, shares.low, shares.high].map((one) => one.toFixed(4)),
    ['0.2000', '0.0524', '0.3339'],
  )
  // Example (h): 0/10 and 0/10.
  const none = newcombe({ members: 10, hits: 0 }, { members: 10, hits: 0 })!
  t.match(
    [none.low, none.high].map((one) => one.toFixed(4)),
    ['-0.2775', '0.2775'],
  )
  t.equal(studentQuantile(0.975, 10).toFixed(3), '2.228')
  t.equal(studentQuantile(0.975, 1).toFixed(2), '12.71')
  t.equal(sampleRatio([60, 40], [1, 1]).toFixed(4), '0.0455')
  t.equal(sampleRatio([500, 500], [0.5, 0.5]), 1)
  const sums = (values: readonly number[]) => values.reduce(addTo, noSums)
  const seen = welch(sums([3, 4, 5, 6]), sums([1, 2, 2, 3, 2]), { confidence: 0.95 })!
  // By hand: variances of the means 5/12 and 1/10, so df = (31/60)^2 / ((5/12)^2/3 + (1/10)^2/4); t is 2.674.
  t.match([seen.freedom.toFixed(3), seen.low.toFixed(2), seen.high.toFixed(2)], ['4.422', '0.58', '4.42'])
})

t.test('whatever the sums, an interval is finite or null', async () => {
  const value = fc.oneof(fc.constant(0), fc.double({ min: -1e6, max: 1e6, noNaN: true }))
  const group = fc.array(value, { maxLength: 30 })
  fc.assert(
    fc.property(group, group, (a, b) => {
      const seen = welch(a.reduce(addTo, noSums), b.reduce(addTo, noSums), { bound: 3 })
      return seen === null || [seen.low, seen.high, seen.error, seen.freedom].every(Number.isFinite)
    }),
    { numRuns: runs(500) },
  )
})

t.test('chance is even, keyed, never changes, and nested in its shares', async (t) => {
  const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const members = Array.from({ length: 20_000 }, (_, i) => `member-${i}`)
  const count = (pick: (member: string) => string) => {
    const counts = new Map<string, number>()
    for (const member of members) counts.set(pick(member), (counts.get(pick(member)) ?? 0) + 1)
    return counts
  }
  const arms = count((member) => armOf(luck(key, 'x', member), ['a', 'b'], 0.2))
  t.ok(
    sampleRatio(
      [CONTROL, 'a', 'b'].map((arm) => arms.get(arm)!),
      [0.2, 0.4, 0.4],
    ) > 0.001,
  )
  const both = count((member) => [luck(key, 'x', member) < 0.5, luck(key, 'y', member) < 0.5].join())
  t.ok(sampleRatio([...both.values()], [1, 1, 1, 1]) > 0.001, 'experiments know nothing of one another')
  t.not(luck(key, 'x', 'm'), luck(other, 'x', 'm'))
  t.not(luck(key, 'ab', 'c'), luck(key, 'a', 'bc'))
  t.equal(luck(key, 'x', 'member-1'), luck(Uint8Array.from(key), 'x', 'member-1'))
  const few = members.filter((member) => standingOf(key, member, 0.02) === 'holdout')
  t.ok(
    few.every((member) => standingOf(key, member, 0.05) === 'holdout'),
    'a holdout that grows keeps its own',
  )
  t.ok(Math.abs(few.length / members.length - 0.02) < 0.005)
})

/** Spend of one member in the measured days: many nothing, some a lot, as shops have it. */
function spendOf(random: () => number, lift: number): number {
  if (random() > 0.4 + lift) return 0
  return Math.exp(3 + 0.8 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

interface Campaigned {
  readonly decision: string
  /** the 95 % interval over all members, without any plan */
  readonly low: number
  readonly high: number
}

const MARGIN = 0.3
const PER_LOOK = 250

/** A campaign of four looks, members coming in by halves; `lift` is the plus in the share of buyers. */
function campaign(seed: number, { lift, cost }: { lift: number; cost: number }): Campaigned {
  const random = randomNumbers(seed)
  let groups: Record<'a' | 'control', Group> = { a: emptyGroup('a'), control: emptyGroup('control') }
  let decision = 'go_on'
  const all: { a: Sums; control: Sums } = { a: noSums, control: noSums }
  for (let look = 1; look <= 4; look++) {
    for (let i = 0; i < PER_LOOK; i++)
      for (const arm of ['a', 'control'] as const) {
        const net = MARGIN * spendOf(random, arm === 'a' ? lift : 0) - (arm === 'a' ? cost : 0)
        all[arm] = addTo(all[arm], net)
        const group = groups[arm]
        const [members, assigned] = [group.members + 1, group.assigned + 1]
        groups = { ...groups, [arm]: { ...group, assigned, members, net: addTo(group.net, net) } }
      }
    if (decision !== 'go_on') continue
    const before = even(4).slice(0, look - 1)
    const plan = { before, fraction: look / 4, isLast: look === 4 }
    decision = lookAt({ arms: ['a'], control: 0.5, error: 0.05 }, Object.values(groups), plan).decision
  }
  const { low, high } = welch(all.a, all.control, { confidence: 0.95 })!
  return { decision, low, high }
}

t.test('A/A: intervals cover as often as they say, and nothing is believed too often', async (t) => {
  const seeds = 1_500
  const runs = Array.from({ length: seeds }, (_, seed) => campaign(seed + 1, { lift: 0, cost: 0 }))
  const covered = runs.filter(({ low, high }) => low <= 0 && high >= 0).length / seeds
  t.ok(covered >= 0.94 && covered <= 0.96, `95 % intervals cover ${covered}`)
  const believed = runs.filter(({ decision }) => decision === 'roll_out' || decision === 'stop').length
  // 5 % and what chance adds to it in so many campaigns, two standard errors.
  t.ok(
    believed / seeds <= 0.05 + 2 * Math.sqrt((0.05 * 0.95) / seeds),
    `decided on nothing: ${believed / seeds}`,
  )
  t.ok(
    runs.every(({ decision }) => decision !== 'go_on'),
    'every campaign ends',
  )
  t.comment(`coverage ${covered}, false decisions ${believed / seeds} of ${seeds} campaigns`)
})

t.test(
  'what is true is found: a planted uplift pays, a treatment that costs more than it brings does not',
  async (t) => {
    const seeds = 200
    const share = (what: { lift: number; cost: number }, decision: string) =>
      Array.from({ length: seeds }, (_, seed) => campaign(9_000 + seed, what)).filter(
        (run) => run.decision === decision,
      ).length / seeds
    const [pays, costs] = [share({ lift: 0.2, cost: 0.3 }, 'roll_out'), share({ lift: 0, cost: 1.5 }, 'stop')]
    t.ok(pays > 0.8, `rolled out ${pays}`)
    t.ok(costs > 0.8, `stopped ${costs}`)
    t.comment(`planted uplift rolled out ${pays}, plain loss stopped ${costs}`)
  },
)

t.test('groups that chance did not make decide nothing', async (t) => {
  const sums = { members: 400, sum: 4_000, squares: 44_000 }
  const none = { members: 100, sum: 0, squares: 10 }
  const group = (arm: string, net: Sums): Group => ({
    ...emptyGroup(arm),
    ...{ assigned: net.members, members: net.members, net, spend: net },
  })
  const terms = { arms: ['a'], control: 0.5, error: 0.05 }
  const plan = { before: [], fraction: 1, isLast: true }
  const skewed = lookAt(terms, [group('a', sums), group('control', none)], plan)
  t.ok(skewed.sampleRatio < 1e-6)
  t.equal(skewed.decision, 'undecided')
  const fair = lookAt({ ...terms, control: 0.2 }, [group('a', sums), group('control', none)], plan)
  t.match(fair, { decision: 'roll_out', winner: 'a' })
  t.match(lookAt(terms, [], plan), { decision: 'undecided' }, 'nobody at all is no error')
})
