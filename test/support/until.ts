/** Waiting for something to become so: tests wait for what they need, never for so many milliseconds. */

/** Asks again and again; fails after `seconds`, which are only there to end a test that would never end. */
export async function until(
  what: string,
  seconds: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (const since = Date.now(); Date.now() - since < seconds * 1000; ) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`not within ${seconds} s: ${what}`)
}
