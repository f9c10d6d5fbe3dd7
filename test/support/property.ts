/**
 * fast-check as every test takes it: it plays the same cases each time, on every machine, so that a failure is of
 * the change at hand and not of chance. By hand `SEED=…` plays others, and `RUNS=…` so many of them.
 */
import fc from 'fast-check'

const { SEED, RUNS } = process.env

function whole(name: string, text: string, least: number): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least || Math.abs(number) > 2 ** 31 - 1)
    throw new Error(`${name} is a whole number${least === 1 ? ' above zero' : ''}, not ${text}`)
  return number
}

fc.configureGlobal({
  seed: whole('SEED', SEED ?? '20260301', -(2 ** 31)),
  ...(RUNS === undefined
    ? // A failure is made small for so long at most, so that it is told before the test's own time is over.
      { interruptAfterTimeLimit: 480_000, markInterruptAsFailure: true }
    : { numRuns: runs(0) }),
})

/** How many cases of a property are tried: so many, unless RUNS says otherwise. */
export function runs(usual: number): number {
  return RUNS === undefined ? usual : whole('RUNS', RUNS, 1)
}

/** How long a test of many cases may take: a day, where somebody asks for more of them. */
export const PATIENCE = RUNS === undefined ? 600_000 : 86_400_000

export { fc }
