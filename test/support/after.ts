/** Runs once after a run's test files: stops their server and takes everything away. */
import { rmSync } from 'node:fs'
import { endRun, noteOf } from './server.ts'

await endRun(process.ppid)
rmSync(noteOf(process.ppid), { force: true })
