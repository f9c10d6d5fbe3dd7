/**
 * What milestones come to: how often each is reached by the counters of its period, less how often it was
 * given. Below zero where a return took the counters back. Pure.
 */
import { Decimal } from '../base/points.ts'
import { addDays, addMonths, type Day, dayOf, endOf, startOf, startOfMembershipYear } from '../base/time.ts'
import type { Milestone, Program } from '../program/program.ts'
import type { Award, MemberFacts } from '../rules/facts.ts'
import { Sight } from '../rules/sight.ts'
import { type CounterRow, EVER, sumEver, sumOf } from '../tiers/counters.ts'

export interface MilestonesMoved {
  /** what is given, or with points below zero taken back */
  readonly awards: readonly Award[]
  /** how often each milestone was given by its period, as differences */
  readonly counted: readonly CounterRow[]
}

export interface MilestoneInput {
  readonly program: Program
  readonly member: MemberFacts
  readonly at: Date
  /** with what the transaction or the return itself counts */
  readonly counters: readonly CounterRow[]
}

/** What is to be given or taken back so that every milestone is given as often as it is reached. */
export function milestonesMoved(input: MilestoneInput): MilestonesMoved {
  const awards: Award[] = []
  const counted: CounterRow[] = []
  for (const milestone of input.program.milestones) {
    const period = periodOf(milestone, input)
    const name = milestoneCounter(milestone.id)
    const reached = timesReached(milestone, input, period)
    const given = Number(sumOf(input.counters, name, period.from, period.from))
    const times = reached.times - given
    if (times === 0 || (times > 0 && !holds(milestone, input))) continue
    const per = `${milestone.every.toFixed()} ${milestone.counter.replace('points:', '')}`
    awards.push({
      rule: milestone.id,
      currency: milestone.currency,
      points: BigInt(times) * milestone.points,
      lineId: null,
      explanation: `${milestone.points} ${milestone.currency} for every ${per}, ${reached.sum.toFixed()} since ${period.from}`,
    })
    counted.push({ counter: name, day: period.from, value: new Decimal(times) })
  }
  return { awards, counted }
}

function milestoneCounter(id: string): string {
  return `milestone:${id}`
}

function periodOf({ per }: Milestone, { program, member, at }: MilestoneInput): { from: Day; to: Day } {
  const day = dayOf(program.timeZone, at)
  if (per === 'calendar_year') return { from: startOf('year', day), to: endOf('year', day) }
  if (per === 'ever') return { from: EVER, to: day }
  const from = startOfMembershipYear(dayOf(program.timeZone, member.enrolledAt), day)
  return { from, to: addDays(addMonths(from, 12), -1) }
}

function timesReached(
  { counter, every, most, per }: Milestone,
  { counters }: MilestoneInput,
  { from, to }: { from: Day; to: Day },
): { times: number; sum: Decimal } {
  const sum = per === 'ever' ? sumEver(counters, counter, '9999-12-30') : sumOf(counters, counter, from, to)
  const times = Decimal.max(0, sum.dividedToIntegerBy(every)).toNumber()
  return { times: most === null ? times : Math.min(times, most), sum }
}

function holds({ tests }: Milestone, { program, member, at }: MilestoneInput): boolean {
  if (tests.length === 0) return true
  const transaction = {
    ...{ type: 'milestone', occurredAt: at, lines: [], tenders: [], location: null, channel: null },
    attributes: {},
  }
  const sight = new Sight({ transaction, member, timeZone: program.timeZone, givers: new Map() })
  return tests.every((test) => test.holds(sight))
}
