/** Threads of a run of scores: how many there are, and where the rows come from, changes no score and no word. */
import t from 'tap'
import { sharedSource, startCrew } from '../../src/retention/crew.ts'
import { stateAt } from '../../src/retention/cuts.ts'
import { type Learnt, learn } from '../../src/retention/learn.ts'
import { learntOf, recordOf } from '../../src/retention/learnt-record.ts'
import { createScorer, type Scores, scoreAll } from '../../src/retention/score.ts'
import { simulate, usualPlan } from '../../src/retention/simulation.ts'
import { createStateTable, putState, readStates } from '../../src/retention/state-table.ts'
import type { Source } from '../../src/retention/stint.ts'

t.setTimeout(600_000)

const window = { asOf: usualPlan.days, horizonDays: 91 }
const { purchases } = simulate({ ...usualPlan, members: 400 })
const count = purchases.memberIds.length
const learnt = learn(purchases, window)
const table = createStateTable(count)
for (let i = 0; i < count; i++) putState(table, i, stateAt(purchases, i, window.asOf)!)

async function ran(source: Source, threads: number, taught: Learnt = learnt) {
  const crew = startCrew({ source, learnt: taught, threads })
  try {
    const scores = await crew.score()
    const parts: string[] = []
    for await (const { text } of crew.tell(purchases.memberIds)) parts.push(Buffer.from(text).toString())
    return { scores, csv: parts.join('') }
  } finally {
    await crew.end()
  }
}

const numbersOf = ({ flags, ...columns }: Scores) => ({
  flags,
  ...Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, [...values]])),
})

t.test('any number of threads, rows or purchases: the same scores and the same words', async (t) => {
  const members = { count, state: (i: number) => stateAt(purchases, i, window.asOf)! }
  const plain = numbersOf(scoreAll(members, learnt))
  const first = await ran({ kind: 'states', table }, 0)
  t.strictSame(numbersOf(first.scores), plain)
  t.equal(first.csv.split('\n').length, count + 1)
  t.match(first.csv, /,gone_quiet,"buys every /, 'words are among them')
  const others = [
    [3, { kind: 'states', table }],
    [1, sharedSource(purchases, window.asOf)],
  ] as const
  for (const [threads, source] of others) {
    const again = await ran(source, threads)
    t.strictSame(numbersOf(again.scores), plain, `${threads} threads over ${source.kind}`)
    t.equal(again.csv, first.csv)
  }
})

t.test('a program of many members is asked in whole weeks, by one thread as by two', async (t) => {
  // Above the bound from which members share answers, with the same few members over and over.
  const many = createStateTable(50_000)
  for (let i = 0; i < many.count; i++) putState(many, i, stateAt(purchases, i % count, window.asOf)!)
  const score = async (threads: number) => {
    const crew = startCrew({ source: { kind: 'states', table: many }, learnt, threads })
    return crew.score().finally(crew.end)
  }
  const [one, two] = [await score(0), await score(2)]
  t.strictSame(two.flags, one.flags)
  for (const column of ['silent', 'decline', 'purchases', 'value'] as const) {
    t.ok(
      one[column].every((value, i) => value === two[column][i]),
      column,
    )
  }
})

t.test('what was learnt survives being sent', async (t) => {
  const again = learntOf(structuredClone(recordOf(learnt)))
  const [before, after] = [createScorer(learnt), createScorer(again)]
  for (let i = 0; i < count; i += 7) {
    const state = stateAt(purchases, i, window.asOf)!
    t.strictSame(after.score(state), before.score(state))
    t.strictSame(after.words(state, 'gone_quiet'), before.words(state, 'gone_quiet'))
  }
})

t.test('a row of a table is the row that was put in', async (t) => {
  const read = readStates(table)
  for (let i = 0; i < count; i += 11) {
    const state = stateAt(purchases, i, window.asOf)!
    t.strictSame(read(i), state)
  }
})

t.test('a thread that fails fails the run', async (t) => {
  const broken: Source = { kind: 'purchases', purchases, asOf: -1 }
  for (const threads of [0, 2]) {
    const crew = startCrew({ source: broken, learnt, threads })
    await t.rejects(crew.score(), /every member of a run has a purchase/)
    await crew.end()
  }
})
