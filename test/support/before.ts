/**
 * Runs once before a run's test files: starts their server and notes where it is. The server outlives this
 * process; after.ts stops it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { noteOf, startRun } from './server.ts'

const run = process.ppid
const { url } = await startRun(run)
const note = noteOf(run)
mkdirSync(dirname(note), { recursive: true })
writeFileSync(note, JSON.stringify({ url }), { mode: 0o600 })
// without letting go in order, which would stop the server
process.exit(0)
