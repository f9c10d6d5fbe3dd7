/** Everything about segments, campaigns and experiments in a program's files, read together. */
import type { MapNode, Report } from '../rules/node.ts'
import type { Scope } from '../rules/scope.ts'
import type { Campaigning } from './campaign.ts'
import { readCampaigns, readExperiments } from './campaigns.ts'
import { asksForMarks, readSegmentRules } from './segments.ts'

export function readCampaigning(
  top: MapNode,
  read: {
    readonly scope: Scope
    /** segments that members are entered into by hand */
    readonly byHand: readonly string[]
    readonly hasRetention: boolean
    readonly report: Report
  },
): Campaigning {
  const { scope, byHand, hasRetention, report } = read
  return {
    asksForMarks: asksForMarks(top),
    ...readSegmentRules(top, { scope: { ...scope, segments: byHand }, hasRetention, report }),
    campaigns: readCampaigns(top, { scope, hasRetention, report }),
    experiments: readExperiments(top, report),
  }
}
