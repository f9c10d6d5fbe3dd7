/**
 * Every threshold of every demo program, generated: one below, exactly at, one above, for reaching and for
 * keeping. A threshold that is added to a rule file is tested without a line being written here.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Decimal } from '../../src/base/points.ts'
import { addDays, startOfDay } from '../../src/base/time.ts'
import { packageRoot } from '../../src/db/package-root.ts'
import { readProgramFiles } from '../../src/program/files.ts'
import { loadProgram } from '../../src/program/load.ts'
import type { Counter, Criterion, Ladder, Program, Tier } from '../../src/program/program.ts'
import { assess, baseStanding } from '../../src/tiers/assess.ts'
import type { CounterRow } from '../../src/tiers/counters.ts'
import { isMet } from '../../src/tiers/criterion.ts'
import { periodAt } from '../../src/tiers/period.ts'
import { fc, runs } from '../support/property.ts'

const enrolledAt = new Date('2024-02-29T10:00:00Z')
const at = new Date('2026-08-15T10:00:00Z')

async function demoPrograms(): Promise<Program[]> {
  const folder = join(packageRoot, 'rules')
  const programs: Program[] = []
  for (const name of readdirSync(folder)) {
    if (!existsSync(join(folder, name, 'program.yaml'))) continue
    const { program, errors } = loadProgram(await readProgramFiles(join(folder, name)))
    if (!program) throw new Error(`${name} does not load: ${JSON.stringify(errors)}`)
    programs.push(program)
  }
  return programs
}

type Leaf = Extract<Criterion, { kind: 'counter' }>

function leavesOf(criterion: Criterion): Leaf[] {
  return criterion.kind === 'counter' ? [criterion] : criterion.of.flatMap(leavesOf)
}

/** The least that meets a criterion by way of one of its thresholds. */
function leastThrough(criterion: Criterion, leaf: Leaf): Map<Counter, Decimal> {
  const least = new Map<Counter, Decimal>()
  const through = (part: Criterion): void => {
    if (part.kind === 'counter') {
      const known = least.get(part.counter) ?? new Decimal(0)
      least.set(part.counter, Decimal.max(known, part.atLeast))
    } else if (part.kind === 'all') part.of.forEach(through)
    else through(part.of.find((way) => leavesOf(way).includes(leaf)) ?? part.of[0]!)
  }
  through(criterion)
  return least
}

/** The smallest step of a counter: a cent, or one. */
function stepOf(counter: Counter): Decimal {
  return new Decimal(counter === 'spend' ? '0.01' : 1)
}

function rowsOn(day: string, values: ReadonlyMap<Counter, Decimal>): CounterRow[] {
  return [...values].map(([counter, value]) => ({ counter, day, value }))
}

/** The highest tier whose criterion the values meet, found the long way round. */
function highest(ladder: Ladder, values: ReadonlyMap<Counter, Decimal>): Tier {
  const met = ladder.tiers.filter((tier) =>
    isMet(tier.reach, (counter) => values.get(counter) ?? new Decimal(0)),
  )
  return met.reduce((best, tier) => (tier.rank > best.rank ? tier : best))
}

const programs = await demoPrograms()

interface Case {
  readonly name: string
  readonly program: Program
  readonly ladder: Ladder
  readonly tier: Tier
  readonly below: boolean
  readonly values: ReadonlyMap<Counter, Decimal>
}

/** Three cases for each threshold of each tier's `reach` or `keep`. */
function casesOf(which: 'reach' | 'keep'): Case[] {
  return programs.flatMap((program) =>
    program.ladders.flatMap((ladder) =>
      ladder.tiers.flatMap((tier) => {
        const criterion = tier[which]
        const place = `${program.id}, ${which} ${tier.id}`
        return criterion === null
          ? []
          : leavesOf(criterion).flatMap((leaf) =>
              around(criterion, leaf).map((one) => ({
                ...one,
                name: `${place}: ${one.name}`,
                program,
                ladder,
                tier,
              })),
            )
      }),
    ),
  )
}

function around(criterion: Criterion, leaf: Leaf): Pick<Case, 'name' | 'below' | 'values'>[] {
  const step = stepOf(leaf.counter)
  const values = [leaf.atLeast.minus(step), leaf.atLeast, leaf.atLeast.plus(step)]
  return values.map((value) => ({
    name: `${leaf.counter} ${value} where ${leaf.atLeast} is asked`,
    below: value.lessThan(leaf.atLeast),
    values: leastThrough(criterion, leaf).set(leaf.counter, value),
  }))
}

t.test('reaching, at every threshold of the demo programs', async (t) => {
  const cases = casesOf('reach')
  t.ok(cases.length >= 15, `${cases.length} cases were found`)
  for (const { name, program, ladder, tier, below, values } of cases) {
    const standing = baseStanding(ladder, enrolledAt)
    const input = { timeZone: program.timeZone, enrolledAt, standing, at }
    const { from, to } = periodAt(ladder, input)
    const expected = highest(ladder, values)
    t.equal(expected.rank < tier.rank, below, `${name}: the case is what it says`)
    // The first and the last day of the period count, the day before it does not.
    const days = [
      [from, expected.id],
      [to, expected.id],
      [addDays(from, -1), ladder.tiers[0]!.id],
    ] as const
    for (const [day, id] of days) {
      const { tier: found } = assess(ladder, { ...input, counters: rowsOn(day, values) }).standing
      t.equal(found, id, `${name}, on ${day}`)
    }
  }
})

t.test('keeping, at every threshold of the demo programs', async (t) => {
  const cases = casesOf('keep').filter((one) => one.ladder.downgrade !== 'never')
  t.ok(cases.length >= 15, `${cases.length} cases were found`)
  for (const { name, program, ladder, tier, below, values } of cases) {
    const { to, endsAt } = periodAt(ladder, { timeZone: program.timeZone, enrolledAt, at })
    const standing = { ladder: ladder.id, tier: tier.id, since: enrolledAt, until: endsAt }
    const input = { timeZone: program.timeZone, enrolledAt, standing, counters: rowsOn(to, values) }
    const early = assess(ladder, { ...input, at: new Date(endsAt.getTime() - 1) })
    t.ok(
      early.changes.every((change) => change.direction === 'up'),
      `${name}: nothing is lost before the end`,
    )
    const [first] = assess(ladder, { ...input, at: endsAt }).changes
    t.equal(first?.direction, below ? 'down' : 'renewed', name)
    t.strictSame(first?.effectiveAt, startOfDay(program.timeZone, addDays(to, 1)), `${name}: at its end`)
  }
})

t.test('whatever was counted, whenever it is assessed', async () => {
  const withLadders = programs.filter((program) => program.ladders.length > 0)
  const cases = fc.constantFrom(...withLadders).chain((program) => {
    const ladder = program.ladders[0]!
    const counters = [
      ...new Set(
        ladder.tiers.flatMap((tier) => (tier.reach ? leavesOf(tier.reach) : [])).map((leaf) => leaf.counter),
      ),
    ]
    const day = fc.integer({ min: 0, max: 1500 }).map((count) => addDays('2024-02-29', count))
    const value = fc.integer({ min: -200, max: 60_000 }).map((cents) => new Decimal(cents))
    return fc.record({
      program: fc.constant(program),
      ladder: fc.constant(ladder),
      rows: fc.array(fc.record({ counter: fc.constantFrom(...counters), day, value }), { maxLength: 20 }),
      tier: fc.constantFrom(...ladder.tiers),
      until: fc
        .integer({ min: 0, max: 1500 })
        .map((days) => new Date(enrolledAt.getTime() + days * 86_400_000)),
      at: fc.integer({ min: 0, max: 2000 }).map((days) => new Date(enrolledAt.getTime() + days * 86_400_000)),
      shuffle: fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
    })
  })
  fc.assert(
    fc.property(cases, ({ program, ladder, rows, tier, until, at, shuffle }) => {
      const lasting = tier.rank === 0 || ladder.downgrade === 'never'
      const standing = { ladder: ladder.id, tier: tier.id, since: enrolledAt, until: lasting ? null : until }
      const input = { timeZone: program.timeZone, enrolledAt, standing, at }
      const first = assess(ladder, { ...input, counters: rows })

      // Again at the same instant: nothing more happens.
      const again = assess(ladder, { ...input, standing: first.standing, counters: rows })
      if (again.changes.length > 0) return false

      // The order of facts, and how a day's facts are cut, make no difference.
      const mixed = rows
        .map((row, index) => ({ row, key: shuffle[index] ?? 0 }))
        .sort((a, b) => a.key - b.key)
        .flatMap(({ row }) => [
          { ...row, value: row.value.minus(1) },
          { ...row, value: new Decimal(1) },
        ])
      const other = assess(ladder, { ...input, counters: mixed })
      if (JSON.stringify(other.standing) !== JSON.stringify(first.standing)) return false

      // Changes are a chain in order of time, and what is left lies ahead.
      const chain = [standing.tier, ...first.changes.map((change) => change.to)]
      return (
        first.changes.every((change, index) => change.from === chain[index]) &&
        first.changes.every(
          (change, index) => index === 0 || first.changes[index - 1]!.effectiveAt <= change.effectiveAt,
        ) &&
        first.standing.tier === chain.at(-1) &&
        (first.standing.until === null || first.standing.until > at)
      )
    }),
    { numRuns: runs(500) },
  )
})
