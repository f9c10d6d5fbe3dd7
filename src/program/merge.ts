/**
 * The files of a program as one: each top-level key stands in one of them. Campaigns are the exception:
 * each brings rules and rewards of its own, which come after the program's.
 */
import { nearest } from '../base/nearest.ts'
import type { ListNode, MapEntry, MapNode, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { kindOf } from './files.ts'
import { programFile } from './grammar.ts'
import { isMisspelt } from './structure.ts'

const REQUIRED = ['program', 'timeZone', 'currencies', 'earn']
const OF_CAMPAIGNS = ['earn', 'rewards', 'promotions', 'limits', 'segments', 'campaigns']

/** One map with the keys of all files; null where there are no files. */
export function mergeFiles(files: readonly MapNode[], report: Report): MapNode | null {
  const programs = files.filter((file) => kindOf(file.at.file) !== 'campaign')
  const main = programs.find((file) => file.at.file === 'program.yaml') ?? programs[0]
  if (!main) return null

  const entries = new Map<string, MapEntry>()
  for (const file of [main, ...programs.filter((other) => other !== main)]) {
    for (const entry of file.entries) {
      const first = entries.get(entry.key)
      if (!first) entries.set(entry.key, entry)
      else
        report(
          problem(entry.keyAt, `"${entry.key}" stands in ${first.keyAt.file} already`, { hint: ONE_PLACE }),
        )
    }
  }
  for (const file of files) if (kindOf(file.at.file) === 'campaign') addCampaign(file, { entries, report })

  const top: MapNode = { ...main, entries: [...entries.values()] }
  const known = Object.keys(programFile.shape)
  const unknown = {
    ...top,
    entries: top.entries.filter(({ key }) => !known.includes(key)).slice(0, MOST_SLIPS),
  }
  const missing = REQUIRED.filter((key) => !entries.has(key) && !isMisspelt(key, unknown)).map(
    (key) => `"${key}"`,
  )
  if (missing.length > 0) {
    const message = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`
    report(problem({ ...main.at, line: 1, column: 1 }, message))
  }
  return { ...top, entries: asMeant(top.entries, known) }
}

/**
 * A section under a misspelt key, which the grammar has told of, stands in for the one that was meant, so that what
 * rests on it is not told of as well.
 */
function asMeant(entries: readonly MapEntry[], known: readonly string[]): MapEntry[] {
  const taken = new Set(entries.map(({ key }) => key))
  let slips = 0
  return entries.map((entry) => {
    if (known.includes(entry.key) || slips === MOST_SLIPS) return entry
    slips += 1
    const meant = nearest(entry.key, known)
    if (meant === null || taken.has(meant)) return entry
    taken.add(meant)
    return { ...entry, key: meant }
  })
}

/** Of keys that nobody knows, so many are looked at for what was meant. */
const MOST_SLIPS = 200

const ONE_PLACE = 'each key stands in one file; rules of a campaign go under campaigns/'

function addCampaign(
  file: MapNode,
  { entries, report }: { entries: Map<string, MapEntry>; report: Report },
): void {
  for (const entry of file.entries) {
    const { key, keyAt, value } = entry
    if (!OF_CAMPAIGNS.includes(key)) {
      report(
        problem(
          keyAt,
          `a campaign has only ${OF_CAMPAIGNS.map((one) => `"${one}"`).join(', ')}; "${key}" is for the whole program`,
        ),
      )
      continue
    }
    const before = entries.get(key)
    if (!before) entries.set(key, entry)
    else if (before.value.kind === 'list' && value.kind === 'list') {
      const joined: ListNode = { ...before.value, items: [...before.value.items, ...value.items] }
      entries.set(key, { ...before, value: joined })
    }
  }
}
