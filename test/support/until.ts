/** Waiting for something to become so: tests wait for what they need, never for so many milliseconds. */

/** Wide, for busy machines: it is only there to end a test that would never end. */
const LIMIT = 300_000

/** Asks again and again. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const since = Date.now(); Date.now() - since < LIMIT; ) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`not within ${LIMIT / 1000} s: ${what}`)
}
