/**
 * The development data beside the tree: real purchases, and values that other programs came to. Tests that need
 * it skip, and say so, where the folder is absent.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { packageRoot } from '../../src/db/package-root.ts'

const folder = join(packageRoot, '..', 'shared', 'data')

/** For tap's `skip`: false where all the files are there, else the reason. */
export function absent(...names: readonly string[]): string | false {
  const missing = names.find((name) => !existsSync(join(folder, name)))
  return missing === undefined ? false : `there is no ${join(folder, missing)}`
}

export function readJson<Shape>(name: string): Shape {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as Shape
}

/** The rows of a gzipped CSV file without quotes, its header left out. */
export function readRows(name: string): string[][] {
  const text = gunzipSync(readFileSync(join(folder, name))).toString('utf8')
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(','))
}
