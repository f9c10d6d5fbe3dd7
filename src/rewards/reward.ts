/** What a member can have for points: the price, and the first reason why not. */
import { DomainError } from '../base/errors.ts'
import { wirePoints } from '../base/points.ts'
import type { Program, Reward } from '../program/program.ts'
import type { MemberFacts } from '../rules/facts.ts'

/** The reward of an id, or `reward_not_found`. */
export function findReward(program: Program, rewardId: string): Reward {
  const reward = program.rewards.get(rewardId)
  if (!reward) throw new DomainError('reward_not_found', { rewardId })
  return reward
}

/** Why a member cannot have a reward at an instant, leaving points aside; null where nothing stands against it. */
export function whyNot(
  program: Program,
  reward: Reward,
  input: { tiers: MemberFacts['tiers']; at: Date },
): string | null {
  if (reward.from !== null && input.at < reward.from) return `available from ${reward.from.toISOString()}`
  if (reward.until !== null && input.at >= reward.until)
    return `available until ${reward.until.toISOString()}`
  if (reward.tier === null) return null
  const { ladder, tier } = reward.tier
  const needed =
    program.ladders.find(({ id }) => id === ladder)?.tiers.find(({ id }) => id === tier)?.rank ?? 0
  return (input.tiers.get(ladder)?.rank ?? 0) >= needed ? null : `from tier ${tier} upwards`
}

export function mustBeAvailable(
  program: Program,
  reward: Reward,
  input: { tiers: MemberFacts['tiers']; at: Date },
): void {
  const problem = whyNot(program, reward, input)
  if (problem) throw new DomainError('reward_unavailable', { rewardId: reward.id, problem })
}

/** Points that are missing for a reward; 0 where there are enough. */
export function missingFor(reward: Reward, available: bigint): number {
  return wirePoints(reward.costs > available ? reward.costs - available : 0n)
}
