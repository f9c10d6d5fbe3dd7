/**
 * The engine against the model: all commands, in any order, one by one and several at once on two engines over
 * one database, with days in between on which the jobs come by or do not.
 *
 * What must hold after every step:
 * 1. The engine refuses what the model refuses, for the same reason, and every balance is the model's. Of
 *    commands sent at once the outcome is that of some order of them, one after the other.
 * 2. available is never below zero; what cannot be taken back is owed, forgiven or left, as the program says,
 *    and the next points that come in pay off what is owed.
 * 3. Points lapse ten days after the day they were earned for, however late they came in, unless that is put off;
 *    they are pending for the program's days or until they are confirmed; what nobody confirms has never been.
 * 4. Spending draws on what lapses first. A hold keeps its points from everything else until it is captured,
 *    released, or its time is up; then, as by a reversal, points go back where they came from.
 * 5. A return takes back what the returned quantity was worth, once: from where it went, also where it has
 *    lapsed there since, and what was spent of it from whatever lapses next.
 * 6. A pool pays in proportion to balances by largest remainder and is paid back the same shares. A gift keeps
 *    its lots. Points are nowhere made and nowhere lost on the way from one member to another.
 * 7. A merged duplicate has nothing; un-merged it has again what it brought, as far as it is still there, and
 *    what has become of its own sales and redemptions since.
 * 8. The same request again is answered by the same words and changes nothing.
 * And in the end: every lot is the model's, and the ledger verifies.
 */
import t from 'tap'
import type { Request } from '../../src/engine/command.ts'
import { runJob } from '../../src/jobs/run.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { jobDeps } from '../support/jobs.ts'
import { fc, PATIENCE, runs } from '../support/property.ts'
import { broken } from './model-spending.ts'
import {
  act,
  asked,
  type Command,
  type Ids,
  keepIds,
  type Names,
  namesOf,
  newIds,
  type Step,
  stories,
} from './model-steps.ts'
import { ON_PURPOSE } from './model-stories.ts'
import { advance, currencyNames, heldBy, newWorld, sumOf, type Terms, type World } from './model-world.ts'

t.setTimeout(PATIENCE)

const rules = ({ pendingDays, returns }: Terms) => `
program: model
timeZone: UTC
money: EUR
currencies:
  points:
    value: 0.01 EUR
    expires: 10 days, end of day
    ${pendingDays > 0 ? `pending: ${pendingDays} days` : 'round: floor'}
  gems: { expires: "10 days, end of day", pending: "until confirmed, cancel after 5 days" }
transactions:
  purchase: {}
  order: {}
  flight: { fields: { ticket: text }, claimWithin: 8 days, unique: [ticket] }
returns: ${returns}
earn:
  - { id: base, on: [purchase, flight], award: 1 point per 1 EUR of net }
  - { id: gems, on: order, award: 1 gem per 1 EUR of net }
transfers:
  points: { fee: 10 % }
pools: { members: 3 }
`

interface Run {
  readonly engines: readonly [Engine, Engine]
  readonly number: number
  /** what there may be: commands sent at once may have been done in any order that fits what is known so far */
  worlds: World[]
  readonly ids: Ids
  readonly past: { request: Request; ref: string; answer: string }[]
  steps: number
}

const termsOf: Terms[] = [
  { pendingDays: 0, returns: 'negative' },
  { pendingDays: 2, returns: 'negative' },
  { pendingDays: 0, returns: 'to_zero' },
  { pendingDays: 2, returns: 'pending_only' },
  // lapse before they are usable
  { pendingDays: 12, returns: 'negative' },
]

for (const terms of termsOf) {
  t.test(
    `any commands, points pending for ${terms.pendingDays} days, returns ${terms.returns}`,
    async (t) => {
      const first = await startEngine(t, rules(terms))
      const second = await startEngine(t, rules(terms), { database: first })
      let number = 0
      await fc.assert(
        fc.asyncProperty(stories(1), async (steps) => {
          number += 1
          await play({ engines: [first, second], number, ...newRun(terms) }, steps)
        }),
        {
          numRuns: runs(8) + ON_PURPOSE.length,
          examples: ON_PURPOSE.map((steps) => [steps]),
        },
      )
      t.same(await first.findings(), [])
    },
  )
}

function newRun(terms: Terms): Pick<Run, 'worlds' | 'ids' | 'past' | 'steps'> {
  return {
    worlds: [newWorld(terms)],
    ids: newIds(),
    past: [],
    steps: 0,
  }
}

async function play(run: Run, steps: readonly Step[]): Promise<void> {
  setClocks(run)
  for (let member = 0; member < 3; member += 1) await doOne(run, { do: 'enrol' })
  for (const step of steps) {
    if (step.do === 'one') await doOne(run, step.command)
    else if (step.do === 'at once') await doTogether(run, step.commands)
    else if (step.do === 'again') await askAgain(run, step.which)
    else await wait(run, step)
  }
  await wait(run, { days: 1, jobs: true })
  const lots = await readLots(run)
  const wrong = run.worlds.map((world) => [...broken(world), ...lotsThatDiffer({ ...run, world }, lots)])
  if (!wrong.some((found) => found.length === 0))
    throw new Error(wrong.map((all) => all.join('; ')).join('\nor '))
}

function instant(day: number): string {
  return new Date(Date.UTC(2026, 0, 1 + day, 12)).toISOString()
}

function setClocks({ engines, worlds }: Run): void {
  for (const engine of engines) engine.at(instant(worlds[0]!.day))
}

async function wait(run: Run, { days, jobs }: { days: number; jobs: boolean }): Promise<void> {
  for (const world of run.worlds) advance(world, days)
  setClocks(run)
  if (!jobs) return
  const [engine] = run.engines
  for (const job of ['release-pending', 'expire', 'release-holds'] as const)
    await runJob(jobDeps(engine!), { job, at: engine.now() })
  await compare(run, { settled: true })
}

interface Sent {
  readonly command: Command
  readonly label: string
  readonly outcome: string
}

async function send(run: Run, command: Command): Promise<Sent> {
  const { ids, worlds, engines } = run
  const [world] = worlds
  run.steps += 1
  const label = `${run.number}-${run.steps}`
  const request = asked(command, { label, names: namesOf(ids), ids, world: world!, at: instant })
  const answer = await engines[run.steps % 2 ? 0 : 1].refused(request, label)
  const isDone = answer.startsWith('no refusal but ')
  if (isDone) run.past.push({ request, ref: label, answer })
  return { command, label, outcome: answer }
}

const accepted = 'no refusal but '

function replyIn(outcome: string): Record<string, string> {
  return JSON.parse(outcome.slice(accepted.length))
}

async function doOne(run: Run, command: Command): Promise<void> {
  await doTogether(run, [command])
}

/** Sends them at once, and looks for an order in which the model answers as the engine did. */
async function doTogether(run: Run, commands: readonly Command[]): Promise<void> {
  const names = namesOf(run.ids)
  const sent = await Promise.all(commands.map((command) => send(run, command)))
  const accounts = await readAccounts(run)
  const wrong: string[] = []
  const fitting = new Map<string, World>()
  for (const before of run.worlds) {
    for (const order of permutations(sent)) {
      const world = structuredClone(before)
      const found = order.flatMap((one) => refusedOtherwise(world, one, names))
      if (found.length === 0) found.push(...differences({ ...run, world }, accounts))
      if (found.length > 0) wrong.push(found.join('; '))
      else fitting.set(JSON.stringify(world), world)
    }
  }
  if (fitting.size === 0) throw new Error(`on day ${run.worlds[0]!.day}: ${wrong.join('\nor ')}`)
  run.worlds = [...fitting.values()].slice(0, MOST_WORLDS)
  for (const { command, label, outcome } of sent) {
    if (outcome.startsWith(accepted)) keepIds(run.ids, { command, label, reply: replyIn(outcome) })
  }
}

/** Of so many possible ones an early one is right in all likelihood; most are told apart by the next balance. */
const MOST_WORLDS = 500

/** Does it in the world, and says where the engine answered otherwise. */
function refusedOtherwise(world: World, { command, label, outcome }: Sent, names: Names): string[] {
  const expected = act(world, command, { label, names }) ?? 'accepted'
  const told = outcome.startsWith(accepted) ? 'accepted' : outcome
  return told === expected ? [] : [`${JSON.stringify(command)}: engine ${told}, model ${expected}`]
}

function permutations<One>(all: readonly One[]): One[][] {
  if (all.length <= 1) return [[...all]]
  return all.flatMap((one, index) =>
    permutations([...all.slice(0, index), ...all.slice(index + 1)]).map((rest) => [one, ...rest]),
  )
}

/** Of an answer that describes a member only whose it is: the rest is taken out when the member is erased. */
function inEssence(answer: string): string {
  const { memberId, identifiers } = replyIn(answer)
  return identifiers ? String(memberId) : answer
}

async function askAgain(run: Run, which: number): Promise<void> {
  const { past, engines } = run
  const earlier = past[which % Math.max(1, past.length)]
  if (!earlier) return
  const answer = await engines[which % 2 ? 0 : 1].refused(earlier.request, earlier.ref)
  const [told, before] = [answer, earlier.answer].map(inEssence)
  if (told !== before) throw new Error(`${earlier.ref} again: ${answer}, before ${earlier.answer}`)
  await compare(run)
}

async function compare(run: Run, { settled = false } = {}): Promise<void> {
  const accounts = await readAccounts(run, { settled })
  const wrong = run.worlds.map((world) => differences({ ...run, world }, accounts))
  run.worlds = run.worlds.filter((_, index) => wrong[index]!.length === 0)
  if (run.worlds.length === 0)
    throw new Error(`after waiting: ${wrong.map((all) => all.join('; ')).join('\nor ')}`)
}

interface Account {
  readonly memberId: string
  readonly currency: string
  readonly figures: Record<string, number>
}

/** Of members that nothing is due of by now: of others it is not told yet, unless the jobs have been by. */
async function readAccounts({ engines, ids }: Run, { settled = false } = {}): Promise<Account[]> {
  const [engine] = engines
  return engine.sql<Account[]>`
    select m.member_id as "memberId", c.currency, json_build_object(
      'available', coalesce(a.available, 0), 'pending', coalesce(a.pending, 0), 'held', coalesce(a.held, 0),
      'negative', coalesce(a.negative, 0), 'lifetime', coalesce(a.lifetime, 0)) as figures
    from members m cross join unnest(${[...currencyNames]}::text[]) as c(currency)
    left join accounts a on a.member_id = m.member_id and a.currency = c.currency
    where m.member_id = any(${ids.members}::uuid[]) and (${settled} or m.due_at is null or m.due_at > ${engine.now()})`
}

/** One of the worlds that there may be. */
type Possible = Pick<Run, 'ids'> & { readonly world: World }

function differences({ world, ids }: Possible, accounts: readonly Account[]): string[] {
  return accounts.flatMap(({ memberId, currency: name, figures }) => {
    const who = ids.members.indexOf(memberId)
    const member = world.members[who]!
    const currency = currencyNames.find((one) => one === name)!
    const expected: Record<string, number> = {
      available: sumOf(member, currency, 'available'),
      pending: sumOf(member, currency, 'pending'),
      held: heldBy(world, who, currency),
      ...member.purses[currency],
    }
    const wrong = Object.keys(figures).filter((what) => figures[what] !== expected[what])
    return wrong.map(
      (what) => `${who}'s ${what} ${currency}: engine ${figures[what]}, model ${expected[what]}`,
    )
  })
}

interface LotRow {
  readonly memberId: string
  readonly lot: string
}

/** Of each currency and day of lapsing what is usable, pending and lapsed. */
async function readLots({ engines, ids }: Run): Promise<LotRow[]> {
  return engines[0].sql<LotRow[]>`
    select member_id as "memberId", concat_ws(' ', currency, to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD'),
      sum(available), sum(pending), sum(expired)) as lot
    from lots where member_id = any(${ids.members}::uuid[]) and (available, pending, expired) <> (0, 0, 0)
    group by member_id, currency, expires_at`
}

function lotsThatDiffer({ world, ids }: Possible, rows: readonly LotRow[]): string[] {
  return world.members.flatMap((member, who) => {
    const kept = rows.filter(({ memberId }) => memberId === ids.members[who]).map(({ lot }) => lot)
    const days = new Map<string, [number, number, number]>()
    for (const { currency, lapses, available, pending, lapsed } of member.lots) {
      if (available + pending + lapsed === 0) continue
      const key = `${currency} ${instant(lapses).slice(0, 10)}`
      const [a, p, l] = days.get(key) ?? [0, 0, 0]
      days.set(key, [a + available, p + pending, l + lapsed])
    }
    const expected = [...days].map(([key, sums]) => `${key} ${sums.join(' ')}`)
    const [got, wanted] = [kept.sort().join(', '), expected.sort().join(', ')]
    return got === wanted ? [] : [`lots of ${who}: engine ${got}; model ${wanted}`]
  })
}
