import { startBenchServer } from './server.ts'
import { connect } from '../src/db/connection.ts'
import { migrate } from '../src/db/migrate.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
const server = await startBenchServer(null)
try {
  await server.make('m')
  const sql = connect(server.urlOf('m'), { max: 2 })
  await migrate(sql)
  console.log(server.about)
  const members = 100_000, per = 10
  await sql`insert into members (member_id, program, external_ref, status, profile, attributes, consents, enrolled_at, created_at, version)
    select uuidv7(), 'p', n::text, 'active', '{}', '{}', '{}', now(), now(), 1 from generate_series(1, ${members}) n`
  let t0 = Date.now()
  await sql`create temp table made as select member_id, uuidv7() as entry_id, uuidv7() as command_id, uuidv7() as transaction_id, external_ref || '-' || k as ref from generate_series(1, ${per}) k, members`.catch(e => { throw e })
  await sql.end()
  const one = connect(server.urlOf('m'), { max: 1 })
  await one`create table made as select member_id, uuidv7() as entry_id, uuidv7() as command_id, uuidv7() as transaction_id, external_ref || '-' || k as ref from generate_series(1, ${per}) k, members`
  await one`insert into entries (member_id, entry_id, command_id, kind, occurred_at, recorded_at, transaction_id, source) select member_id, entry_id, command_id, 'earn', now(), now(), transaction_id, 's' from made`
  await one`insert into postings select member_id, entry_id, 1, 'points', 'issued', 'available', 7, 'points/2027-12-01T00:00:00.000Z/at-once/program' from made`
  await one`insert into transactions select member_id, transaction_id, 'p', 's', ref, 'purchase', now(), now(), 'v', jsonb_build_object('externalRef', ref, 'lines', repeat('abcdefgh ', 60)), jsonb_build_object('awards', jsonb_build_array(jsonb_build_object('rule', 'base', 'currency', 'points', 'points', 5, 'explanation', repeat('because ', 10)), jsonb_build_object('rule', 'more', 'currency', 'points', 'points', 2, 'explanation', repeat('because ', 10)))) from made`
  await one`insert into commands select 'p', 's', 'earn', ref, command_id, member_id, '', null, '{}', now() from made`
  await one`insert into accounts select member_id, 'points', ${per * 7}, 0, 0, 0, ${per * 7} from members`
  await one`insert into lots select member_id, 'points/2027-12-01T00:00:00.000Z/at-once/program', 'points', now(), null, 'program', ${per * 7}, 0, 0 from members`
  console.log('made', Date.now() - t0)
  await one`analyze`
  for (let i = 0; i < 2; i++) {
    const t1 = Date.now()
    const v = await verifyLedger(one, { onProgress: (d, n) => { if (d % 8 === 0) console.log(d, n, Date.now() - t1) } })
    console.log(JSON.stringify(v), Date.now() - t1, 'ms', process.memoryUsage().rss / 1e6)
  }
  await one.end()
} finally { await server.stop() }
