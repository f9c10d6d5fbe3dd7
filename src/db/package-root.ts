/**
 * The folder of the package, found from where this file stands: `src/db` while developing, `build/src/db`
 * once built. What is read at run time (migrations, the expected schema) is named relative to it.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invariant } from '../base/errors.ts'

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    invariant(parent !== folder, 'a package.json stands above this file')
    folder = parent
  }
  return folder
}

export const packageRoot = findRoot()
