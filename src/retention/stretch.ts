/** Stretches of whole days in the program's zone, counted back from a day that is the last one of them. */
import { addDays, addMonths, type Day } from '../base/time.ts'

/** The first day of a stretch of so many days or months that ends with `last`. */
export function stretchStart({ count, unit }: { count: number; unit: 'day' | 'month' }, last: Day): Day {
  return unit === 'day' ? addDays(last, 1 - count) : addDays(addMonths(last, -count), 1)
}
