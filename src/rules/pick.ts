/**
 * Picks among the rules of a group that apply at once: the one that gives most after its limits, or the
 * first that gives anything; for the transaction as a whole, or line by line. Equals fall to the file's order.
 */
import { commit, isOpen, type Proposal, proposeAll, proposeOn, type Run, skip, worth } from './give.ts'
import type { Rule } from './rule.ts'
import type { Group } from './scope.ts'

/** What the pick of an exclusive group closes to all other rules. */
export interface Closed {
  /** the rule that does; null: nothing is closed */
  readonly by: Rule | null
  /** the lines it is closed for; null: the whole transaction */
  readonly lines: ReadonlySet<string> | null
}

interface Offer {
  readonly rule: Rule
  readonly proposals: readonly Proposal[]
}

/** Lets one of the rules through, or one for each line, and takes what it gives. */
export function pick(group: Group, rules: readonly Rule[], run: Run): Closed {
  const open = rules.filter((rule) => isOpen(rule, run))
  if (group.per === 'transaction') {
    const offers = open.map((rule): Offer => {
      const proposals: Proposal[] = []
      proposeAll(rule, run, (proposal) => proposals.push(proposal))
      return { rule, proposals }
    })
    return { by: choose(group, offers, run), lines: null }
  }

  const taken = new Set<string>()
  let by: Rule | null = null
  for (const line of run.sight.basis?.lines ?? []) {
    const offers = open.map((rule): Offer => {
      const proposals: Proposal[] = []
      proposeOn(line, { rule, run }, (proposal) => proposals.push(proposal))
      return { rule, proposals }
    })
    run.sight.line = line
    const chosen = choose(group, offers, run)
    run.sight.line = null
    if (chosen === null) continue
    by = chosen
    taken.add(line.lineId)
  }
  return { by, lines: taken }
}

/** The rule that was let through; null where none gives anything. */
function choose(group: Group, offers: readonly Offer[], run: Run): Rule | null {
  let best: { offer: Offer; points: bigint } | null = null
  const applying = offers.filter(({ proposals }) => proposals.length > 0)
  for (const offer of applying) {
    if (best !== null && group.pick !== 'best') break
    const points = worth(offer.proposals, run)
    if (points > 0n && (best === null || points > best.points)) best = { offer, points }
  }
  if (best === null) {
    // Limits have left nothing of any of them; that is what is to be said.
    for (const { proposals } of applying) for (const proposal of proposals) commit(proposal, run)
    return null
  }
  for (const proposal of best.offer.proposals) commit(proposal, run)
  if (run.explain) {
    const how = group.pick === 'best' ? 'gives more' : 'comes first'
    for (const { rule } of applying) {
      if (rule !== best.offer.rule)
        skip(rule, run, `of the group "${group.id}" only one applies, and ${best.offer.rule.id} ${how}`)
    }
  }
  return best.offer.rule
}
