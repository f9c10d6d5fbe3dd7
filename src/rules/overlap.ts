/**
 * Overlap: what happens where several rules of a group apply to the same transaction or line. A group that
 * is `best`, `first` or `exclusive` lets one of its rules through; `all` lets every one, and is there to
 * give limits and readers a name.
 */
import { didYouMean } from '../base/nearest.ts'
import type { MapEntry, Node, Report } from './node.ts'
import { problem } from './problem.ts'
import type { Group } from './scope.ts'

const picks = ['best', 'first', 'all', 'exclusive'] as const
const pers = ['transaction', 'line'] as const

/** Reads `groups: { offers: best, tickets: { pick: first, per: line } }`; what is wrong is reported. */
export function compileGroups(entries: readonly MapEntry[], report: Report): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const { key, value } of entries) {
    const map = value.kind === 'map' ? new Map(value.entries.map((entry) => [entry.key, entry.value])) : null
    const pick = wordOf(map ? map.get('pick') : value, picks)
    const per = wordOf(map?.get('per'), pers) ?? 'transaction'
    // A word that is none of these has been told of by the grammar.
    if (pick === null && map && !map.has('pick'))
      report(problem(value.at, '"pick" is missing', { hint: HINT }))
    groups.set(key, { id: key, pick: pick ?? 'all', per })
  }
  return groups
}

const HINT = 'write for instance { pick: best, per: line }'

function wordOf<Word extends string>(node: Node | undefined, known: readonly Word[]): Word | null {
  return node?.kind === 'scalar' ? (known.find((word) => word === node.text) ?? null) : null
}

/** The group that a rule names, or null after a report; undefined where it names none. */
export function findGroup(
  node: Node | undefined,
  groups: ReadonlyMap<string, Group>,
  report: Report,
): Group | null | undefined {
  if (node === undefined) return undefined
  const name = node.kind === 'scalar' ? node.text : ''
  const group = groups.get(name)
  if (group) return group
  const hint = didYouMean(name, groups.keys()) ?? 'declare it: groups: { offers: best }'
  report(problem(node.at, `there is no group "${name}"`, { hint }))
  return null
}

/** As much of a rule as its group asks of it. */
interface Grouped {
  readonly group: Group | null
  readonly perLine: boolean
  readonly grants: readonly { readonly currency: string }[]
  readonly builds: readonly string[]
}

/** What keeps a rule from being of its group: null where nothing does. */
export function unfit({ group, perLine, grants, builds }: Grouped): string | null {
  if (group === null || group.pick === 'all') return null
  if (group.per === 'line' && !perLine)
    return `the group "${group.id}" picks line by line, so its rules need \`forEach: line\``
  if (group.pick === 'best' && new Set(grants.map(({ currency }) => currency)).size > 1)
    return `the group "${group.id}" picks the rule that gives most, so its rules give one currency`
  if (group.pick === 'exclusive' && builds.length > 0)
    return `the group "${group.id}" comes before all other rules, so it can't build on what they awarded`
  return null
}
