/** The thread that checks rule files, so that a large draft keeps nobody waiting at a till. */
import { parentPort } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { checkProgram, type ToCheck } from './check.ts'

invariant(parentPort, 'this file is run as a thread')
const port = parentPort
port.on('message', async (task: ToCheck) => port.postMessage(await checkProgram(task)))
