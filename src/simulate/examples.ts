/**
 * Runs the examples of a program in memory: each transaction is valued, counted and assessed by the same
 * functions that decide in earnest, and compared with what the example says. No database, no clock.
 */
import { DomainError, type Fault } from '../base/errors.ts'
import { dayOf } from '../base/time.ts'
import { countedSpend } from '../earning/valued.ts'
import { examplesFile } from '../program/examples-grammar.ts'
import { kindOf, type ProgramFiles } from '../program/files.ts'
import { newFindings } from '../program/findings.ts'
import { itemsAt } from '../program/nodes.ts'
import type { Program } from '../program/program.ts'
import { checkStructure } from '../program/structure.ts'
import { parseTree } from '../program/tree.ts'
import { evaluate } from '../rules/evaluate.ts'
import type { MemberFacts, Valuation } from '../rules/facts.ts'
import { assess, baseStanding } from '../tiers/assess.ts'
import { type CounterRow, counted } from '../tiers/counters.ts'
import type { Standing } from '../tiers/standing.ts'
import { compare, traceOf } from './differences.ts'
import { type Example, readExample, type Step } from './example.ts'

export interface ExampleFailure {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** `base: expected 3 beans, got 4 beans` */
  readonly differences: readonly string[]
  /** rule by rule, in words, what was given and why */
  readonly trace: readonly string[]
}

export interface ExamplesRun {
  readonly passed: number
  readonly failed: readonly ExampleFailure[]
  /** examples that could not be run, by file and line */
  readonly errors: readonly Fault[]
}

export function runExamples(program: Program, files: ProgramFiles): ExamplesRun {
  const findings = newFindings()
  const failed: ExampleFailure[] = []
  let passed = 0
  for (const name of [...files.keys()].filter((each) => kindOf(each) === 'examples').sort()) {
    const tree = parseTree({ file: name, content: files.get(name)! }, findings.report)
    if (tree === null) continue
    checkStructure(tree, examplesFile, findings.report)
    for (const item of itemsAt(tree, 'examples')) {
      const example = readExample(item, program, findings.report)
      if (example === null) continue
      const failure = runExample(program, example)
      if (failure) failed.push(failure)
      else passed += 1
    }
  }
  return { passed, failed, errors: findings.faults() }
}

/** The member of one example as the steps leave them. */
interface Position {
  readonly enrolledAt: Date
  readonly standings: Map<string, Standing>
  readonly counters: CounterRow[]
  /** points used of limits, by `limit period` */
  readonly used: Map<string, bigint>
}

/** The first step that does not come out as said, or null. */
function runExample(program: Program, example: Example): ExampleFailure | null {
  const { enrolledAt, tiers, attributes } = example.member
  const standings = program.ladders.map((ladder): [string, Standing] => {
    const base = baseStanding(ladder, enrolledAt)
    const tier = tiers.get(ladder.id)
    return [ladder.id, tier === undefined ? base : { ...base, tier }]
  })
  const position: Position = { enrolledAt, standings: new Map(standings), counters: [], used: new Map() }

  for (const step of example.steps) {
    assessAt(program, position, step.facts.occurredAt)
    const member = { enrolledAt, attributes, tiers: tierFacts(program, position) }
    const outcome = valued(program, { step, member, position })
    if (outcome instanceof DomainError) {
      if (step.refused === outcome.code) continue
      const expected = step.refused === null ? 'the transaction to be taken' : step.refused
      return failureOf(example, step, {
        differences: [`expected ${expected}, got ${outcome.code}`],
        trace: [],
      })
    }
    count(program, { step, outcome, position })
    assessAt(program, position, step.facts.occurredAt)
    const differences = compare(step, { outcome, standings: position.standings })
    if (differences.length > 0) return failureOf(example, step, { differences, trace: traceOf(outcome) })
  }
  return null
}

function failureOf(
  { name }: Example,
  { at }: Step,
  told: Pick<ExampleFailure, 'differences' | 'trace'>,
): ExampleFailure {
  return { name, file: at.file, line: at.line, column: at.column, ...told }
}

function assessAt(program: Program, { standings, counters, enrolledAt }: Position, at: Date): void {
  for (const ladder of program.ladders) {
    const standing = standings.get(ladder.id) ?? baseStanding(ladder, enrolledAt)
    const assessment = assess(ladder, { timeZone: program.timeZone, enrolledAt, standing, counters, at })
    standings.set(ladder.id, assessment.standing)
  }
}

function tierFacts(program: Program, { standings }: Position): MemberFacts['tiers'] {
  return new Map(
    program.ladders.map(({ id, tiers }) => {
      const tier = standings.get(id)?.tier ?? ''
      return [
        id,
        {
          tier,
          rank: Math.max(
            0,
            tiers.findIndex((each) => each.id === tier),
          ),
        },
      ]
    }),
  )
}

interface Question {
  readonly step: Step
  readonly member: MemberFacts
  readonly position: Position
}

function valued(program: Program, { step, member, position }: Question): Valuation | DomainError {
  try {
    return evaluate(program.rules, {
      transaction: step.facts,
      member,
      used: (limit, period) => position.used.get(`${limit} ${period}`) ?? 0n,
      explain: true,
    })
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}

interface Counting {
  readonly step: Step
  readonly outcome: Valuation
  readonly position: Position
}

function count(program: Program, { step, outcome, position }: Counting): void {
  for (const { limit, period, points } of outcome.uses) {
    const key = `${limit} ${period}`
    position.used.set(key, (position.used.get(key) ?? 0n) + points)
  }
  position.counters.push(
    ...counted(program, {
      day: dayOf(program.timeZone, step.facts.occurredAt),
      spend: countedSpend(outcome.spend),
      transactions: 1n,
      awards: outcome.awards,
    }),
  )
}
