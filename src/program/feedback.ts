/**
 * How members' voices are taken: the scale of satisfaction, and which open complaints hold back messages of
 * campaigns. Every program takes feedback; the section changes how.
 */
import type { MapNode, Report } from '../rules/node.ts'
import { problem } from '../rules/problem.ts'
import { asMap, childOf, scalarAt, wordAt } from './nodes.ts'

export const holdingWords = ['any complaint', 'about transactions', 'never'] as const
export type Holding = (typeof holdingWords)[number]

export interface FeedbackTerms {
  /** whole scores from the worst to the best, both included */
  readonly lowest: number
  readonly highest: number
  /** which open complaints of a member keep messages of campaigns away */
  readonly holdMessages: Holding
}

export const USUAL_FEEDBACK: FeedbackTerms = { lowest: 1, highest: 5, holdMessages: 'any complaint' }

const SCALE = /^\s*(\d{1,4})\s+to\s+(\d{1,4})\s*$/

export function readFeedback(top: MapNode, report: Report): FeedbackTerms {
  const map = asMap(childOf(top, 'feedback'))
  return {
    ...readScale(map, report),
    holdMessages: wordAt(map, 'holdMessages', {
      known: holdingWords,
      fallback: USUAL_FEEDBACK.holdMessages,
    }),
  }
}

function readScale(map: MapNode | null, report: Report): Pick<FeedbackTerms, 'lowest' | 'highest'> {
  const node = scalarAt(map, 'scale')
  if (node === null) return USUAL_FEEDBACK
  const [, from, to] = SCALE.exec(node.text) ?? []
  if (from === undefined || to === undefined) {
    const hint = 'the worst score comes first: write for instance `scale: 0 to 10`'
    report(problem(node.at, `expected a scale such as 1 to 5; got "${node.text}"`, { hint }))
    return USUAL_FEEDBACK
  }
  const [lowest, highest] = [Number(from), Number(to)]
  if (lowest < highest) return { lowest, highest }
  report(problem(node.at, 'the best score is above the worst one', { hint: `write ${to} to ${from}` }))
  return USUAL_FEEDBACK
}
