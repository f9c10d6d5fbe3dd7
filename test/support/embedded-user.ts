/**
 * A process that uses the embedded server of a data folder: says where it is, and waits to be told to stop
 * or to be killed. For tests that need a second process.
 */
import { startServer } from '../../src/db/embedded.ts'

const server = await startServer({ dataFolder: process.argv[2] ?? '', fast: true })
process.send?.({ url: server.url, startedByUs: server.startedByUs })
process.once('message', async () => {
  await server.stop()
  process.disconnect()
})
