/** What the reports on points and money need to know of a program's published rules, as plain data. */
import { DomainError } from '../base/errors.ts'
import { OWN_FUNDER } from '../base/funder.ts'
import type { Money } from '../base/points.ts'
import { addDays, type Day, dayOf, startOfDay } from '../base/time.ts'
import type { FinanceTerms } from '../ledger/finance.ts'
import type { Program } from '../program/program.ts'
import type { Programs } from './programs.ts'

/** Refuses a program that is not there. `now` finds the zone of a program whose rules begin later. */
export function financeTerms(programs: Programs, program: string, now: Date): FinanceTerms {
  const current = rulesAt(programs, program, now)
  const kinds = new Map<string, string>()
  // A currency that newer rules left out is still owed, and one that only counted still only counts.
  for (const { version } of programs.versions(program)) {
    for (const { id, kind } of programs.version(program, version).currencies.values()) kinds.set(id, kind)
  }
  return {
    program,
    timeZone: current.timeZone,
    money: current.money,
    qualifying: new Set([...kinds].filter(([, kind]) => kind === 'qualifying').map(([id]) => id)),
    ownFunder: OWN_FUNDER,
    valueAt: (currency, at) => valueAt(programs, { program, currency, at }),
  }
}

/** The rules in force; before the first ones, those. */
function rulesAt(programs: Programs, program: string, at: Date): Program {
  const versions = programs.versions(program)
  const first = versions[0]
  if (first === undefined) throw new DomainError('program_not_found', { program })
  const { version } = versions.findLast(({ effectiveFrom }) => effectiveFrom <= at) ?? first
  return programs.version(program, version)
}

/** A currency that the rules of that instant do not have is worth what the last ones before said. */
function valueAt(
  programs: Programs,
  { program, currency, at }: { program: string; currency: string; at: Date },
): Money | null {
  const declared = rulesAt(programs, program, at).currencies.get(currency)
  if (declared) return declared.value
  const known = programs
    .versions(program)
    .filter(({ effectiveFrom }) => effectiveFrom <= at)
    .map(({ version }) => programs.version(program, version).currencies.get(currency))
  return known.findLast((one) => one !== undefined)?.value ?? null
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** An instant, or a day, which stands for its last instant in the program's zone; null: it is neither. */
export function reportInstant(timeZone: string, text: string): Date | null {
  if (!DAY.test(text)) {
    const at = new Date(text)
    return Number.isNaN(at.getTime()) || !/T.*(Z|[+-]\d{2}:\d{2})$/i.test(text) ? null : at
  }
  const day = reportDay(text)
  return day === null ? null : new Date(startOfDay(timeZone, addDays(day, 1)).getTime() - 1)
}

/** A day that the calendar has; null: it has not. */
export function reportDay(text: string): Day | null {
  const at = DAY.test(text) ? new Date(`${text}T00:00:00Z`) : new Date(Number.NaN)
  return Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== text ? null : text
}

/** The thirty days that end with `to`, or with today. */
export function lastDays(timeZone: string, now: Date, last: Day | null): { from: Day; to: Day } {
  const to = last ?? dayOf(timeZone, now)
  return { from: addDays(to, -29), to }
}
