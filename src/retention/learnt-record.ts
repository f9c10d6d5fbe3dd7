/**
 * What was learnt, as plain data that another thread can be sent: `learntOf(recordOf(learnt))` scores as
 * `learnt` does, to the last digit.
 */
import { type ClockRecord, clockOf } from './clock.ts'
import type { Learnt } from './learn.ts'
import { type ModelRecord, modelOf } from './model.ts'
import { type SpendRecord, spendOf } from './spend.ts'

export interface LearntRecord extends Omit<Learnt, 'clock' | 'model' | 'spend'> {
  readonly clock: ClockRecord
  readonly model: ModelRecord
  readonly spend: SpendRecord | null
}

export function recordOf(learnt: Learnt): LearntRecord {
  const { name, parameters, logLikelihood, bic, dropoutIdentified } = learnt.model
  const { spend } = learnt
  return {
    ...learnt,
    clock: learnt.clock.record,
    model: { name, parameters, logLikelihood, bic, dropoutIdentified },
    spend: spend && {
      parameters: spend.parameters,
      logLikelihood: spend.logLikelihood,
      members: spend.members,
      correlation: spend.correlation,
    },
  }
}

export function learntOf(record: LearntRecord): Learnt {
  return {
    ...record,
    clock: clockOf(record.clock),
    model: modelOf(record.model),
    spend: record.spend && spendOf(record.spend),
  }
}
