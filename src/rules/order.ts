/**
 * The order of evaluation: exclusive groups first, then the file's order, but for a rule that builds on
 * what another one awarded: that other one comes before it. A circle has no order, which is an error.
 */
import type { Rule } from './rule.ts'
import type { Group } from './scope.ts'

/** What is evaluated in one go: a rule, or the rules of a group of which one is picked. */
interface Unit {
  readonly rules: Rule[]
  readonly exclusive: boolean
}

export type Ordered =
  | { readonly rules: readonly Rule[] }
  /** ids that lead from a rule back to itself, and the rule to point at */
  | { readonly circle: readonly string[]; readonly at: Rule }

export function inOrder(rules: readonly Rule[]): Ordered {
  const units = unitsOf(rules)
  const unitOf = new Map(units.flatMap((unit) => unit.rules.map((rule) => [rule.id, unit])))
  const done: Rule[] = []
  const state = new Map<Unit, 'open' | 'closed'>()
  // By hand rather than by calls: a chain of ten thousand rules must not exhaust the stack.
  for (const start of units) {
    const path: { unit: Unit; needs: Unit[] }[] = []
    const enter = (unit: Unit): void => {
      state.set(unit, 'open')
      path.push({ unit, needs: needsOf(unit, unitOf) })
    }
    if (!state.has(start)) enter(start)
    while (path.length > 0) {
      const top = path.at(-1)!
      const next = top.needs.pop()
      if (next === undefined) {
        state.set(top.unit, 'closed')
        done.push(...top.unit.rules)
        path.pop()
      } else if (!state.has(next)) enter(next)
      else if (state.get(next) === 'open')
        return circleOf(
          path.map(({ unit }) => unit),
          next,
        )
    }
  }
  return { rules: done }
}

function unitsOf(rules: readonly Rule[]): Unit[] {
  const units: Unit[] = []
  const groups = new Map<string, Unit>()
  for (const rule of rules) {
    if (rule.group === null || rule.group.pick === 'all') {
      units.push({ rules: [rule], exclusive: false })
      continue
    }
    const known = groups.get(rule.group.id)
    if (known) known.rules.push(rule)
    else {
      const unit = { rules: [rule], exclusive: rule.group.pick === 'exclusive' }
      groups.set(rule.group.id, unit)
      units.push(unit)
    }
  }
  return [...units.filter(({ exclusive }) => exclusive), ...units.filter(({ exclusive }) => !exclusive)]
}

/** Last first, so that they are taken in the order in which they are named. */
function needsOf(unit: Unit, unitOf: ReadonlyMap<string, Unit>): Unit[] {
  const needs = unit.rules.flatMap(({ builds }) => builds.flatMap((id) => unitOf.get(id) ?? []))
  return [...new Set(needs)].reverse()
}

function circleOf(path: readonly Unit[], back: Unit): Ordered {
  const circle = path.slice(path.indexOf(back))
  // The rule of each unit that builds on the next one; within a group, on a rule of the group itself.
  const ids = circle.map((unit, index) => {
    const next = circle[index + 1] ?? back
    const builder = unit.rules.find(({ builds }) =>
      builds.some((id) => next.rules.some((rule) => rule.id === id)),
    )
    return builder ?? unit.rules[0]!
  })
  const closing = ids.at(-1)!
  return { circle: [...ids.map(({ id }) => id), ids[0]!.id], at: closing }
}

/** Rules of `best` groups whose currency is another one than that of the first of their group. */
export function strangers(rules: readonly Rule[]): { rule: Rule; group: Group; currency: string }[] {
  const currencies = new Map<string, string>()
  return rules.flatMap((rule) => {
    const currency = rule.grants[0]?.currency
    if (rule.group?.pick !== 'best' || currency === undefined) return []
    const first = currencies.get(rule.group.id)
    if (first === undefined) currencies.set(rule.group.id, currency)
    return first === undefined || first === currency ? [] : [{ rule, group: rule.group, currency: first }]
  })
}
