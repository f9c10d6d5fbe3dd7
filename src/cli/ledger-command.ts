/** `milepost ledger verify`: proves that the books add up, or says where they do not. */
import { verifyLedger } from '../ledger/verify.ts'
import type { CliCommand } from './command-line.ts'
import { openMigrated } from './installation.ts'
import { count } from './terminal.ts'

export const ledgerVerify: CliCommand = {
  about: [
    'Every entry sums to zero; every account equals its postings, and its lots; holds add up; every recorded ' +
      'answer has its entry. It reads one snapshot, so it may run while the service does. Exit code 1 with findings.',
  ],
  options: {
    program: { about: 'this program alone', value: 'PROGRAM' },
    json: { about: 'the result as JSON' },
  },
  examples: ['milepost ledger verify', 'milepost ledger verify --program corner-coffee --json'],
  async run(call) {
    const program = call.words.text('program')
    const { sql } = await openMigrated(call)
    const progress = call.terminal.progress('verifying')
    const verified = await verifyLedger(sql, {
      ...(program === undefined ? {} : { program }),
      onProgress: progress.update,
    }).finally(progress.stop)
    const { ok, checked, findings } = verified
    if (call.words.flag('json')) call.terminal.json({ ok, checked, findings })
    else {
      for (const { kind, memberId, detail } of findings) {
        call.terminal.print(`${call.terminal.style('red', kind)} ${memberId ?? ''} ${detail}`)
      }
      const { members, entries, postings, lots } = checked
      const seen = [count(members, 'member'), count(entries, 'entry', 'entries'), count(postings, 'posting')]
      call.terminal.print(
        `${[...seen, count(lots, 'lot')].join(', ')}: ${ok ? 'all adds up' : count(findings.length, 'finding')}`,
      )
    }
    return ok ? 0 : 1
  },
}
