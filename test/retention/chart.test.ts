/** Views as pictures: names of bars are cut where they would run off the sheet, and say their beginning. */
import t from 'tap'
import { pictureOfView } from '../../src/retention/chart.ts'
import type { View } from '../../src/retention/view.ts'

// Each row: the name of a bar, what is written beside it.
const names: readonly (readonly [string, string])[] = [
  ['come-back: bonus', 'come-back: bonus'],
  ['x'.repeat(24), 'x'.repeat(24)],
  ['come-back: bonus, after it', 'come-back: bonus, after…'],
]

t.test('names of bars', async (t) => {
  for (const [name, written] of names) {
    const view: View = {
      ...{ view: 'performance', program: 'shop', money: 'EUR', asOf: '2026-03-03', note: null },
      ...{ figures: [], tables: [] },
      charts: [
        {
          ...{ kind: 'bars', title: 'Net value', along: 'arm', measure: 'EUR', unit: 'money' },
          steps: [name],
          series: [{ name: 'net', values: [-1.5] }],
        },
      ],
    }
    t.match(pictureOfView(view), `>${written}</text>`, name)
  }
})
