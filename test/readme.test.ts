/**
 * The README holds: its walk is run as it stands, in one shell beside a service in a folder of its own, and
 * what comes out is compared with what is printed; its rule files are loaded, and their examples run.
 */
import { spawn } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { packageRoot } from '../src/db/package-root.ts'
import { jobs } from '../src/jobs/job.ts'
import { loadProgram } from '../src/program/load.ts'
import { runExamples } from '../src/simulate/examples.ts'
import { freePort, has } from './support/running.ts'
import { temporaryFolder } from './support/server.ts'
import { until } from './support/until.ts'

t.setTimeout(600_000)

const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8')
const compiled = import.meta.url.endsWith('.js')
const main = fileURLToPath(new URL(`../src/main.${compiled ? 'js' : 'ts'}`, import.meta.url))
const milepost = compiled ? [main] : ['--import', import.meta.resolve('tsx'), main]

interface Block {
  /** after the three backticks: `bash walk` */
  readonly mark: string
  readonly text: string
  readonly line: number
  /** the block of text right below it */
  shown: string | null
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let end = 0
  for (const { 0: whole, 1: mark = '', 2: text = '', index } of markdown.matchAll(
    /^```(\S.*)\n([\s\S]*?)^```$/gm,
  )) {
    const below = blocks.at(-1)
    if (mark === 'text' && below && markdown.slice(end, index).trim() === '') below.shown = text
    else blocks.push({ mark, text, line: markdown.slice(0, index).split('\n').length, shown: null })
    end = index + whole.length
  }
  return blocks
}

/** What differs from run to run: ids, keys, times, ports, versions of other programs, and how wide lines are. */
const passing: readonly (readonly [RegExp, string])[] = [
  [/\b(mem|txn|rdm|ret|ent|key)_[0-9a-f]{32}\b/g, '$1_…'],
  [/\bmp_[\w-]{43}/g, 'mp_…'],
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'uuid'],
  [/nextCursor: '[\w-]+'/g, 'nextCursor: …'],
  [/\b\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'time'],
  [/\b(from|to): '\d{4}-\d{2}-\d{2}'/g, '$1: day'],
  [/^(enrolled +)[\d-]+$/gm, '$1day'],
  [/(127\.0\.0\.1):\d+/g, '$1'],
  [/\b(gift-shop|version|skyward|corner-coffee) +[0-9a-f]{12}\b/g, '$1 hash'],
  [/\bin [\d.]+ s\b/g, 'in seconds'],
  [/(^ok +node +)v.*/gm, '$1'],
  [/\bcli:[^:\s]+/g, 'cli:user'],
  [/PostgreSQL [\d.]+ \(its own\), \d+ of/g, 'PostgreSQL of'],
  [/^(ok +job \S+) .*$/gm, '$1'],
  [/^(ok +migrations +at) \d+/gm, '$1'],
]

/** Word by word, so that a difference is told by its word, and Node may break lines elsewhere. */
function wordsOf(text: string): string[] {
  const steady = passing.reduce((all, [pattern, instead]) => all.replaceAll(pattern, instead), text)
  return steady.split(/\s+/).filter((word) => word !== '')
}

interface Place {
  readonly folder: string
  readonly port: number
}

function environment({ port }: Place) {
  const { PATH, HOME } = process.env
  return { PATH, HOME, PORT: `${port}`, LOG_LEVEL: 'error' }
}

/** `npm start` is the demo, without the build here; anything else the service alone. */
async function startAt(place: Place, { text }: Block) {
  const demo = text.trim() === 'npm start'
  const argv = [...milepost, 'serve', ...(demo ? ['--demo'] : [])]
  const child = spawn(process.execPath, argv, { cwd: place.folder, env: environment(place) })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      out += chunk
    })
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const stop = (signal: NodeJS.Signals) => {
    if (child.exitCode === null) child.kill(signal)
    return exited
  }
  await until('the service is ready', () => {
    if (child.exitCode !== null) throw new Error(`the service ended:\n${out}`)
    return out.includes(demo ? 'Enrol a member' : '/health/ready')
  })
  return { out: () => out, stop }
}

/** A shell as a person has it open: what one block sets, the next one finds. */
function openShell(place: Place) {
  const child = spawn('bash', ['--norc', '-s'], { cwd: place.folder, env: environment(place) })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stdin.write('exec 2>&1\nset -e\n')
  const quoted = milepost.map((word) => `'${word}'`).join(' ')
  return {
    /** What the block prints; fails with it where one of its commands does. */
    async run({ text, line }: Block): Promise<string> {
      out = ''
      const here = text
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${place.port}`)
        .replaceAll('node build/src/main.js', `'${process.execPath}' ${quoted}`)
      child.stdin.write(`${here}\necho "<<done>>"\n`)
      await until(`the block of line ${line} is done`, () => {
        if (child.exitCode !== null) throw new Error(`README.md:${line}: a command failed:\n${out}`)
        return out.endsWith('<<done>>\n')
      })
      return out.slice(0, -'<<done>>\n'.length)
    },
    close: () => child.kill(),
  }
}

const skip = has('bash') && has('curl') ? false : 'bash and curl are not to be had'

t.test('the walk works as it stands and prints what it says', { skip }, async (t) => {
  const place = { folder: temporaryFolder(t), port: await freePort() }
  cpSync(join(packageRoot, 'rules'), join(place.folder, 'rules'), { recursive: true })
  const shell = openShell(place)
  t.teardown(shell.close)

  let service: Awaited<ReturnType<typeof startAt>> | null = null
  t.teardown(() => service?.stop('SIGTERM'))
  let compared = 0
  for (const block of blocksOf(readme)) {
    if (block.mark === 'bash start') {
      if (service) t.equal(await service.stop('SIGINT'), 0, 'it stops in order')
      service = await startAt(place, block)
      const begins = wordsOf(block.shown ?? '')
      t.strictSame(wordsOf(service.out()).slice(0, begins.length), begins, `line ${block.line}`)
    } else if (block.mark === 'bash walk') {
      const printed = await shell.run(block)
      t.strictSame(wordsOf(printed), wordsOf(block.shown ?? ''), `line ${block.line}`)
      compared += block.shown === null ? 0 : 1
    }
  }
  t.ok(compared > 12, 'the walk shows what comes out')
  t.equal(await service?.stop('SIGTERM'), 0)
})

t.test('its tables have every job and every setting with what it is without one', async (t) => {
  const cells = [...readme.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(' | '))
  const named = (name: string) => cells.filter(([first]) => first?.includes(`\`${name}\``))
  for (const { name } of jobs) t.equal(named(name).length, 1, name)
  const { databaseUrl: _, ...usual } = readConfig({})
  const settings = ['HOST', 'PORT', 'LOG_LEVEL'].concat(
    ['DATA', 'PROGRAMS', 'LANES', 'QUEUE', 'RATE_LIMIT', 'EVENT_DAYS'].map((name) => `MILEPOST_${name}`),
  )
  const told = new Set(settings.flatMap((name) => named(name)[0]?.[1]?.match(/[^`, ]+/g) ?? []))
  t.strictSame([...told].sort(), Object.values(usual).map(String).sort())
})

t.test('its rule files are programs, and their examples hold', async (t) => {
  const programs: Map<string, string>[] = []
  for (const { mark, text, line } of blocksOf(readme)) {
    if (mark !== 'yaml') continue
    const name = /^# (\S+\.yaml)\n/.exec(text)?.[1] ?? ''
    t.not(name, '', `the block of line ${line} says which file it is`)
    if (name === 'program.yaml') programs.push(new Map())
    t.notOk(programs.at(-1)?.has(name), `${name} of line ${line} is there once`)
    programs.at(-1)?.set(name, text)
  }
  t.equal(programs.length, 2)
  for (const files of programs) {
    const { program, errors } = loadProgram(files)
    t.strictSame(errors, [])
    if (!program) continue
    const { passed, failed, errors: unread } = runExamples(program, files)
    t.strictSame({ failed, unread }, { failed: [], unread: [] }, program.id)
    t.equal(passed, 2, `examples of ${program.id}`)
  }
})
