/** `milepost openapi`: the OpenAPI document, as it is served at /openapi.json. */
import { rename, writeFile } from 'node:fs/promises'
import type { CliCommand } from './command-line.ts'

export const openapiCommand: CliCommand = {
  about: ['Needs no database. Without --out the document goes to standard output.'],
  options: { out: { about: 'the file to write', value: 'FILE' } },
  examples: ['milepost openapi --out openapi/openapi.json', 'milepost openapi | jq .info'],
  async run(call) {
    const document = await call.doors.openapiDocument()
    const out = call.words.text('out')
    if (out === undefined) {
      call.terminal.json(document)
      return 0
    }
    // Written beside and renamed: whoever reads the file meanwhile gets the old one or the new one, whole.
    const side = `${out}.writing-${process.pid}`
    await writeFile(side, `${JSON.stringify(document, null, 2)}\n`)
    await rename(side, out)
    call.terminal.note(`wrote ${out}`)
    return 0
  },
}
