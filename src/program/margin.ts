/** Which share of spend is profit. There is one rule for it, so that no two figures of a program disagree. */
import { Decimal } from '../base/points.ts'
import type { Campaign } from './campaign.ts'
import type { Program } from './program.ts'
import { USUAL_MARGIN } from './value.ts'

/** What the campaign itself says, else the `value` section, else the `retention` section, else the usual one. */
export function marginOf(
  { value, retention }: Pick<Program, 'value' | 'retention'>,
  campaign: Pick<Campaign, 'margin'> | null = null,
): Decimal {
  const own = campaign?.margin ?? null
  if (own !== null) return new Decimal(own)
  return value.margin ?? (retention ? new Decimal(retention.margin) : USUAL_MARGIN)
}
