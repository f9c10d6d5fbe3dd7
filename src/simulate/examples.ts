/**
 * Runs the examples of a program in memory: each transaction is valued, counted and assessed by the same
 * functions that decide in earnest, and compared with what the example says. No database, no clock.
 */
import { DomainError, type Fault } from '../base/errors.ts'
import { Decimal } from '../base/points.ts'
import { mustBeInTime } from '../earning/claim.ts'
import { examplesFile } from '../program/examples-grammar.ts'
import { kindOf, type ProgramFiles } from '../program/files.ts'
import { type Findings, newFindings } from '../program/findings.ts'
import { itemsAt } from '../program/nodes.ts'
import type { Program } from '../program/program.ts'
import { checkStructure } from '../program/structure.ts'
import { parseTree } from '../program/tree.ts'
import type { Valuation } from '../rules/facts.ts'
import type { MapNode } from '../rules/node.ts'
import { Course } from './course.ts'
import { compare, comparePoints, traceOf } from './differences.ts'
import { type Example, readExample, type Step } from './example.ts'
import { Purse } from './purse.ts'

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

/** Whoever has that many examples to mend begins with these: rule by rule it is told of no more. */
const MOST_EXPLAINED = 20

export function runExamples(program: Program, files: ProgramFiles): ExamplesRun {
  const findings = newFindings()
  const trees = [...files.keys()]
    .filter((name) => kindOf(name) === 'examples')
    .sort()
    .flatMap((name) => parseTree({ file: name, content: files.get(name)! }, findings.report) ?? [])
  for (const tree of trees) checkStructure(tree, examplesFile, findings.report)
  return runTrees(program, trees, findings)
}

/** The same of files that are read already, and are examples as far as their grammar goes. */
export function runTrees(
  program: Program,
  trees: readonly MapNode[],
  findings: Findings = newFindings(),
): ExamplesRun {
  const failed: ExampleFailure[] = []
  let passed = 0
  for (const tree of trees) {
    for (const item of itemsAt(tree, 'examples')) {
      const example = readExample(item, program, findings.report)
      if (example === null) continue
      const failure = runExample(program, example, { explain: false })
      if (failure === null) passed += 1
      else if (failed.length >= MOST_EXPLAINED) failed.push(failure)
      else failed.push(runExample(program, example, { explain: true }) ?? failure)
    }
  }
  return { passed, failed, errors: findings.faults() }
}

/** The first step that does not come out as said, or null. */
function runExample(
  program: Program,
  example: Example,
  { explain }: { explain: boolean },
): ExampleFailure | null {
  const { member } = example
  const course = new Course(program, member, { explain })
  const courses = { member: course, housemate: new Course(program, member, { housemate: course, explain }) }
  const asksForPoints = example.steps.some(({ balances, redeem }) => balances.size > 0 || redeem !== null)
  const purse = asksForPoints ? new Purse(program, member) : null
  for (const step of example.steps) {
    const course = courses[step.by]
    const before = course.goTo(step.time)
    const outcome = taken(step, { program, course, purse })
    if (outcome instanceof DomainError) {
      const expected = step.refused === null ? 'the transaction to be taken' : step.refused
      const differences =
        step.refused === outcome.code
          ? comparePoints(step, purse)
          : [`expected ${expected}, got ${outcome.code}`]
      if (differences.length === 0) continue
      return failureOf(example, step, { differences, trace: [] })
    }
    const all = { ...outcome, awards: [...before, ...outcome.awards] }
    const differences = [...compare(step, { program, outcome: all, course }), ...comparePoints(step, purse)]
    if (differences.length > 0)
      return failureOf(example, step, { differences, trace: explain ? traceOf(all) : [] })
  }
  return null
}

const NOTHING: Valuation = { awards: [], extensions: [], uses: [], spend: new Decimal(0), trace: [] }

function taken(
  { by, sale, redeem, time }: Step,
  { program, course, purse }: { program: Program; course: Course; purse: Purse | null },
): Valuation | DomainError {
  try {
    if (redeem) purse?.redeem(by, { ...redeem, at: time })
    if (!sale) return NOTHING
    if (sale.postedAt) mustBeInTime(program, { type: sale.facts.type, occurredAt: time, at: sale.postedAt })
    const outcome = course.take(sale.facts)
    purse?.earn(by, sale.body)
    return outcome
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}

function failureOf(
  { name }: Example,
  { at }: Step,
  { differences, trace }: Pick<ExampleFailure, 'differences' | 'trace'>,
): ExampleFailure {
  const place = { name, file: at.file, line: at.line, column: at.column }
  return { ...place, differences: first(differences, MOST_DIFFERENCES), trace: first(trace, MOST_TOLD) }
}

const MOST_DIFFERENCES = 20
const MOST_TOLD = 200

/** The first of many, and how many more there are. */
function first(texts: readonly string[], most: number): readonly string[] {
  if (texts.length <= most) return texts
  return [...texts.slice(0, most), `and ${texts.length - most} more`]
}
