/** The thread that checks rule files, so that a large draft keeps nobody waiting at a till. */
import { parentPort } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import type { ProgramFiles } from '../program/files.ts'
import { checkProgram } from './check.ts'

invariant(parentPort, 'this file is run as a thread')
const port = parentPort
port.on('message', async (files: ProgramFiles) => port.postMessage(await checkProgram(files)))
