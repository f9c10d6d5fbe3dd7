/**
 * Who pays for the points of an award. Points of each funder stand in lots of their own, so what a partner
 * owes for is told apart for good, and a return takes them back from whoever paid.
 */
import { OWN_FUNDER } from '../base/funder.ts'
import type { Program } from '../program/program.ts'
import type { TransactionFacts } from '../rules/facts.ts'
import type { KeptValuation } from './valued.ts'

/** What goes into one lot of a transaction. */
export interface Share {
  readonly currency: string
  readonly funder: string
}

export interface FundedPoints extends Share {
  readonly points: bigint
}

export function funderOf(
  { funders }: Pick<Program, 'funders'>,
  facts: Pick<TransactionFacts, 'attributes'>,
  rule: string,
): string {
  const funder = funders.get(rule)
  if (!funder) return OWN_FUNDER
  if (funder.kind === 'partner') return funder.partner
  const named = facts.attributes[funder.field]
  return typeof named === 'string' ? named : OWN_FUNDER
}

/** Points by currency and funder, in order of appearance. */
export function sumByFunder(
  program: Pick<Program, 'funders'>,
  facts: Pick<TransactionFacts, 'attributes'>,
  awards: readonly { rule: string; currency: string; points: bigint | number }[],
): FundedPoints[] {
  const sums: (Share & { points: bigint })[] = []
  for (const { rule, currency, points } of awards) {
    const funder = funderOf(program, facts, rule)
    const sum = sums.find((one) => one.currency === currency && one.funder === funder)
    if (sum) sum.points += BigInt(points)
    else sums.push({ currency, funder, points: BigInt(points) })
  }
  return sums
}

/** Under which the lot is kept with its transaction. */
export function lotName({ currency, funder }: Share): string {
  return funder === OWN_FUNDER ? currency : `${currency}/${funder}`
}

/** Any lot of a currency: they lapse and become usable together, whoever pays. */
export function lotOfCurrency({ lots }: Pick<KeptValuation, 'lots'>, currency: string): string | undefined {
  const name = Object.keys(lots).find((each) => each === currency || each.startsWith(`${currency}/`))
  return name === undefined ? undefined : lots[name]
}
