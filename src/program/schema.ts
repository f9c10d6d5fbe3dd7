/** The JSON Schema of rule files, so that editors complete keys and underline mistakes while one types. */
import { z } from 'zod'
import { programFile } from './grammar.ts'

export function jsonSchema(): object {
  const schema = z.toJSONSchema(programFile, { target: 'draft-7', io: 'input' })
  return { ...schema, title: 'Milepost rule file' }
}
