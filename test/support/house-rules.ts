/**
 * The rules of the house as a function from a tree of files to findings, so that each rule can be shown to
 * fail on a small bad tree as well as be held over the real one.
 */

/** Path relative to the package, with `/`, to text. */
export type Tree = ReadonlyMap<string, string>

/** Which room stands on which floor. A file imports from lower floors and from its own room, nothing else. */
const floors: Readonly<Record<string, number>> = {
  base: 1,
  ...{ 'config.ts': 2, db: 2, rules: 2 },
  ...{ program: 3, ledger: 3 },
  ...{ members: 4, tiers: 4, partners: 4, rewards: 4 },
  ...{ earning: 5, redeeming: 5 },
  engine: 6,
  ...{ simulate: 7, retention: 7, events: 7 },
  jobs: 8,
  ...{ http: 9, console: 9, cli: 9 },
  // the program itself: puts the rooms of the top floor together
  'main.ts': 10,
}

const MOST_LINES = 400
const MOST_SCRIPTS = 10
const VAGUE = /^(index|utils?|types?|helpers?|common|services?|managers?|controllers?|repositor(y|ies))\.ts$/
const TOP = new Set([
  ...['src', 'rules', 'migrations', 'openapi', 'test', 'bench'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'LICENSE'],
])
/** Not under version control. */
const MADE = new Set(['node_modules', 'build'])

/** Every rule that looks at file texts. */
export function findings(tree: Tree): string[] {
  const found: string[] = []
  for (const [path, text] of tree) {
    found.push(...placeOf(path), ...openingOf(path, text), ...sizeOf(path, text), ...wordsOf(path, text))
    if (path.startsWith('src/')) found.push(...importsOf(path, text), ...sqlOf(path, text))
  }
  return [...found, ...circles(tree)]
}

function placeOf(path: string): string[] {
  const parts = path.split('/')
  const name = parts.at(-1) ?? ''
  const found: string[] = []
  if (parts[0] === 'src') {
    const room = parts[1] ?? ''
    if (!(room in floors)) found.push(`${path}: ${room} is no room`)
    if (parts.length > (room.endsWith('.ts') ? 2 : 3)) found.push(`${path}: deeper than src/<room>/<file>.ts`)
  }
  if (VAGUE.test(name)) found.push(`${path}: the name says nothing`)
  return found
}

function openingOf(path: string, text: string): string[] {
  const opening = text.replace(/^#!.*\n/, '')
  return /^(\/\*\*|\/\/)/.test(opening) ? [] : [`${path}: does not open with what it is`]
}

function sizeOf(path: string, text: string): string[] {
  const lines = text.split('\n').length - 1
  return path.startsWith('src/') && lines > MOST_LINES
    ? [`${path}: ${lines} lines, at most ${MOST_LINES}`]
    : []
}

// Written so that this file does not find itself.
const UNWANTED = [
  [/\b(TO{1}DO|FIX{1}ME)\b/, 'unfinished work'],
  [/@ts-(ign{1}ore|no{1}check)/, 'a type error that is hushed up'],
] as const

/** The same, where it is code that says it. */
const UNWANTED_CODE = [
  [/\bas a{1}ny\b/, 'a type that is given up'],
  [/not (yet )?imple{1}mented/i, 'unfinished work'],
] as const

/** A test plays the same each time: fast-check has its seed from one place, and nothing else is left to chance. */
const SEEDED = 'test/support/property.ts'
const BY_CHANCE = /from 'fast-chec{1}k'|\bMath\.rando{1}m\b/

const LEFT_OUT = /\bt\w*\.(skip|only|todo)\(/

function wordsOf(path: string, text: string): string[] {
  const found: string[] = []
  text.split('\n').forEach((line, index) => {
    const code = line.replace(/(^|\s)(\/\/|\*|\/\*\*).*$/, '')
    const what: string[] = [
      ...UNWANTED.filter(([pattern]) => pattern.test(line)),
      ...UNWANTED_CODE.filter(([pattern]) => pattern.test(code)),
    ].map(([, complaint]) => complaint)
    if (path.startsWith('test/') && LEFT_OUT.test(code)) what.push('a test that is left out')
    if (path.startsWith('test/') && path !== SEEDED && BY_CHANCE.test(code))
      what.push('chance without a seed')
    found.push(...what.map((complaint) => `${path}:${index + 1}: ${complaint}`))
  })
  return found
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s+'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g

function imports(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '')
}

/** `src/db/retry.ts` from `../db/retry.ts` in `src/engine/lane.ts`. */
function resolve(from: string, to: string): string {
  return new URL(to, `file:///${from}`).pathname.slice(1)
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

function importsOf(path: string, text: string): string[] {
  const found: string[] = []
  const [room, floor] = [roomOf(path), floors[roomOf(path)] ?? 0]
  for (const target of imports(text).filter((name) => name.startsWith('.'))) {
    const to = resolve(path, target)
    if (!to.endsWith('.ts')) found.push(`${path}: imports ${target}, which does not end in .ts`)
    if (!to.startsWith('src/')) found.push(`${path}: imports ${to}, which is not the program`)
    else if (roomOf(to) !== room && (floors[roomOf(to)] ?? 0) >= floor) {
      found.push(`${path}: imports ${to}, which is not on a lower floor`)
    }
  }
  return found
}

const QUERY = /\b(sql|tx|executor|keeper|admin)(<[^`;]*>)?`|\.unsafe\(|from 'postgres'/

function sqlOf(path: string, text: string): string[] {
  const mayQuery =
    /^src\/db\//.test(path) ||
    /^src\/engine\/(load|persist)(-[a-z]+)?\.ts$/.test(path) ||
    /^src\/[^/]+\/queries(-[a-z]+)?\.ts$/.test(path)
  return !mayQuery && QUERY.test(text)
    ? [`${path}: SQL outside of db/, queries.ts, load.ts and persist.ts`]
    : []
}

/** Each circle once, from its first file by name. */
function circles(tree: Tree): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      found.push(`a circle: ${[...trail.slice(start), path].join(' -> ')}`)
      return
    }
    if (done.has(path)) return
    for (const target of imports(tree.get(path) ?? '').filter((name) => name.startsWith('.'))) {
      visit(resolve(path, target), [...trail, path])
    }
    done.add(path)
  }
  for (const path of [...tree.keys()].sort()) visit(path, [])
  return found
}

/** What stands at the top of the package, by name. */
export function topFindings(names: readonly string[]): string[] {
  return names
    .filter((name) => !name.startsWith('.') && !MADE.has(name) && !TOP.has(name))
    .map((name) => `${name}: not at the top level`)
}

export interface PackageFile {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

/** Few scripts, and a program that needs nothing beyond its declared dependencies. */
export function packageFindings({ scripts, dependencies }: PackageFile, tree: Tree): string[] {
  const found: string[] = []
  const count = Object.keys(scripts).length
  if (count > MOST_SCRIPTS) found.push(`package.json: ${count} scripts, at most ${MOST_SCRIPTS}`)
  for (const [path, text] of tree) {
    if (!path.startsWith('src/')) continue
    for (const name of imports(text).filter((target) => !/^(\.|node:)/.test(target))) {
      const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/')
      if (!(packageName in dependencies)) found.push(`${path}: ${packageName} is not in dependencies`)
    }
  }
  return found
}

const NPM_OWN = new Set(['ci', 'install', 'test', 'start'])

/** Commands in the README that no longer exist: npm scripts, and files that are run or linked. */
export function readmeFindings(
  readme: string,
  scripts: PackageFile['scripts'],
  exists: (path: string) => boolean,
) {
  const found: string[] = []
  for (const [, run, name = ''] of readme.matchAll(/\bnpm (run )?([a-z][a-z:-]*)/g)) {
    const known = name in scripts || (!run && NPM_OWN.has(name))
    if (!known) found.push(`README.md: npm ${run ?? ''}${name} is no script`)
  }
  for (const [, path = ''] of readme.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
    if (!exists(path)) found.push(`README.md: links to ${path}, which is not there`)
  }
  for (const [path] of readme.matchAll(
    /(?<![\w/.])(src|test|bench|rules|migrations|openapi|\.ci)\/[\w./-]*\w/g,
  )) {
    if (!exists(path)) found.push(`README.md: names ${path}, which is not there`)
  }
  return found
}
