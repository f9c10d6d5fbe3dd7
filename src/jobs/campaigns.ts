/**
 * Campaigns: whoever a campaign's start names and who has no arm yet is decided on, most worth it first, and
 * treated by a command of its own that writes the arm with what is done. Safe to run twice: a member has one arm.
 */
import { DomainError } from '../base/errors.ts'
import type { TreatBody, TreatmentBody } from '../engine/campaign.ts'
import { newCommand } from '../engine/command.ts'
import { createPrograms } from '../engine/programs.ts'
import { openComplaintsOf } from '../engine/queries-feedback.ts'
import { holdsMessages } from '../members/feedback.ts'
import type { Campaign } from '../program/campaign.ts'
import { ENGINE_SOURCE } from '../program/events.ts'
import { marginOf } from '../program/margin.ts'
import type { Program } from '../program/program.ts'
import { CONTROL, HOLDOUT } from '../retention/chance.ts'
import { pictureOf } from '../retention/picture.ts'
import {
  beginExperiment,
  experimentKey,
  logSuppressed,
  type Spent,
  spentOn,
  standingsOf,
} from '../retention/queries-experiments.ts'
import { picturesOf } from '../retention/queries-members.ts'
import {
  type Candidate,
  type Decision,
  decide,
  type Room,
  type Running,
  type Suppression,
} from '../retention/treat.ts'
import { candidatePages } from './candidates.ts'
import type { Deps } from './job.ts'
import { programsInForce, workThrough } from './page.ts'

interface Run {
  readonly at: Date
  readonly signal?: AbortSignal | undefined
}

export interface CampaignTotals {
  candidates: number
  treated: number
  control: number
  suppressed: number
  failed: number
}

export async function runCampaigns(deps: Deps, run: Run): Promise<CampaignTotals & Record<string, number>> {
  const totals = { candidates: 0, treated: 0, control: 0, suppressed: 0, failed: 0 }
  const programs = await createPrograms(deps.sql)
  for (const program of programsInForce(programs, run.at)) {
    for (const campaign of program.campaigns) {
      const isOn =
        (campaign.from === null || campaign.from <= run.at) &&
        (campaign.until === null || run.at < campaign.until)
      if (isOn && !run.signal?.aborted) await runCampaign(deps, { program, campaign, run, totals })
    }
  }
  return totals
}

interface One {
  readonly program: Program
  readonly campaign: Campaign
  readonly run: Run
  readonly totals: CampaignTotals
}

async function runCampaign(deps: Deps, one: One): Promise<void> {
  const { program, campaign, run } = one
  const { sql } = deps
  const margin = marginOf(program, campaign).toNumber()
  const experiment = await beginExperiment(sql, { program: program.id, campaign, margin, at: run.at })
  if (experiment.state === 'stopped' || experiment.state === 'undecided') return
  const running: Running = {
    campaign,
    terms: experiment.terms,
    winner: experiment.winner,
    key: await experimentKey(sql, program.id, run.at),
    holdout: program.experiments.holdout,
    at: run.at,
  }
  const room = await roomOf(deps, one, experiment.terms.testMembers)
  const asked = { program: program.id, campaign, since: experiment.startedAt }
  for await (const { memberIds, done } of candidatePages(sql, asked)) {
    await decidePage(deps, { ...one, running, room, memberIds })
    // What a run that was called off has not come to, comes again.
    if (run.signal?.aborted) return
    await done()
  }
}

async function roomOf(deps: Deps, one: One, testMembers: number): Promise<Room> {
  const spent = await spentBy(deps, one)
  return {
    test: testMembers - spent.members,
    capacity: one.campaign.capacity ?? Number.POSITIVE_INFINITY,
    budget: paidFor(one.campaign, spent),
  }
}

function spentBy({ sql }: Deps, { program, campaign }: One): Promise<Spent> {
  return spentOn(sql, { program: program.id, experiment: campaign.id })
}

/**
 * Treatments that the rest of the budget pays for, if each costs as much as the dearest so far. What the points of
 * the very first cost is known only afterwards: there is one at most before.
 */
function paidFor({ arms, budget }: Campaign, spent: Spent): number {
  if (budget === null) return Number.POSITIVE_INFINITY
  const told = Math.max(...arms.map(({ cost }) => cost.toNumber()))
  const left = budget.toNumber() - spent.cost - spent.pointsValue
  const each = Math.max(told, spent.dearest)
  if (spent.treated === 0) return left >= each && left > 0 ? 1 : 0
  return each > 0 ? Math.max(0, Math.floor(left / each + 1e-9)) : left > 0 ? Number.POSITIVE_INFINITY : 0
}

interface Page extends One {
  readonly running: Running
  readonly room: Room
  readonly memberIds: readonly string[]
}

async function decidePage(deps: Deps, page: Page): Promise<void> {
  const { campaign, room, totals, run } = page
  const candidates = await candidatesOf(deps, page)
  totals.candidates += candidates.length
  const left = candidates.values()
  for (let some = decideSome(page, left); some !== null; some = decideSome(page, left)) {
    await carryOut(deps, page, some)
    if (run.signal?.aborted) return
    if (campaign.budget !== null) room.budget = paidFor(campaign, await spentBy(deps, page))
  }
}

interface Decided {
  readonly suppressed: { memberId: string; reason: Suppression }[]
  readonly commands: { candidate: Candidate; decision: Exclude<Decision, { kind: 'none' }> }[]
}

/** Of those that are left, up to as many treatments as may be given before the budget is looked at again. */
function decideSome({ running, room }: Page, left: IterableIterator<Candidate>): Decided | null {
  const decided: Decided = { suppressed: [], commands: [] }
  // Half of what is paid for, and then another look: points may be worth more to one member than to another.
  const last = room.budget - Math.max(1, Math.floor(room.budget / 2))
  let isAny = false
  for (;;) {
    const { value: candidate, done } = left.next()
    if (done) return isAny ? decided : null
    isAny = true
    const before = room.budget
    const decision = decide(running, candidate, room)
    if (decision.kind === 'suppressed') decided.suppressed.push({ ...candidate, reason: decision.reason })
    if (decision.kind === 'assigned' || (decision.kind === 'suppressed' && decision.standing !== null))
      decided.commands.push({ candidate, decision })
    if (room.budget < before && room.budget <= last) return decided
  }
}

async function carryOut(deps: Deps, page: Page, { suppressed, commands }: Decided): Promise<void> {
  const { program, campaign, totals, run } = page
  await logSuppressed(deps.sql, { program: program.id, campaign: campaign.id, at: run.at, rows: suppressed })
  totals.suppressed += suppressed.length
  totals.failed += await workThrough(deps, {
    job: 'campaigns',
    items: commands,
    signal: run.signal,
    memberOf: ({ candidate }) => candidate.memberId,
    work: ({ candidate, decision }) => treat(deps, page, { candidate, decision }),
  })
}

async function candidatesOf({ sql }: Deps, page: Page): Promise<Candidate[]> {
  const { program, campaign, memberIds, run } = page
  const [rows, standings, complaints] = await Promise.all([
    picturesOf(sql, { program: program.id, memberIds }),
    standingsOf(sql, { memberIds, experiment: campaign.id }),
    openComplaintsOf(sql, memberIds),
  ])
  const byId = new Map(rows.map((row) => [row.memberId, row]))
  // In the order of the page: it is the order in which capacity is given out.
  return memberIds.flatMap((memberId) => {
    const [row, standing] = [byId.get(memberId), standings.get(memberId)]
    if (!row || !standing || standing.arm !== null) return []
    const open = complaints.get(memberId) ?? []
    const picture = pictureOf(program, row, { at: run.at, complaints: open.length })
    const hasOpenComplaint = holdsMessages(program.feedback, open)
    return [{ ...standing, memberId, picture, consents: row.consents, hasOpenComplaint }]
  })
}

async function treat(
  { lane }: Deps,
  { program, campaign, run, totals }: Page,
  { candidate, decision }: { candidate: Candidate; decision: Exclude<Decision, { kind: 'none' }> },
): Promise<void> {
  const { memberId } = candidate
  const isAssigned = decision.kind === 'assigned'
  // One command for each arm ever: asked again, it is answered from the log, and with other words refused.
  const ref = `${isAssigned ? campaign.id : HOLDOUT}/${memberId}`
  const standing =
    decision.standing === null
      ? []
      : [{ experiment: HOLDOUT, arm: decision.standing, phase: 'test' as const }]
  const own = isAssigned ? [{ experiment: campaign.id, arm: decision.arm, phase: decision.phase }] : []
  const treatment = isAssigned ? treatmentOf(program, campaign, { candidate, arm: decision.arm }) : null
  const body: TreatBody = { externalRef: ref, arms: [...standing, ...own], treatment }
  const from = { program: program.id, source: ENGINE_SOURCE, ref, at: run.at }
  try {
    const { replayed } = await lane.run(newCommand(from, { kind: 'treat', memberId, body }))
    if (replayed || !isAssigned) return
    if (treatment) totals.treated += 1
    else totals.control += 1
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'idempotency_conflict')) throw error
  }
}

/** What the message may tell: numbers and words that came out of purchases, nothing that names anybody. */
const TOLD = [
  'state',
  'flag',
  'daysSince',
  'expectedPurchases',
  'atStake',
  'recency',
  'frequency',
  'monetary',
]

function treatmentOf(
  program: Program,
  campaign: Campaign,
  { candidate, arm }: { candidate: Candidate; arm: string },
): TreatmentBody | null {
  const found = campaign.arms.find(({ id }) => id === arm)
  if (arm === CONTROL || !found) return null
  const names = [...TOLD, ...program.currencies.keys()]
  const facts = names.flatMap((name) => {
    const value = candidate.picture.facts[name]
    return typeof value === 'number' || typeof value === 'string' ? [[name, value] as const] : []
  })
  return {
    ...{ campaign: campaign.id, arm, message: found.message, promotion: found.promotion },
    cost: found.cost.toFixed(),
    facts: Object.fromEntries(facts),
  }
}
