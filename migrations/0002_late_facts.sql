-- Facts that arrive late: what they change of facts that were there before, and how they are noticed.

-- No transaction of the member happened after latest_at. The statement that locks a member moves it on and
-- leaves in prior_latest_at what it was, so a group knows at once which of its transactions come late.
alter table members add column latest_at timestamptz;
alter table members add column prior_latest_at timestamptz;

update members m set latest_at = t.latest_at, prior_latest_at = t.latest_at
from (select member_id, max(occurred_at) as latest_at from transactions group by member_id) t
where m.member_id = t.member_id;

-- A transaction that was valued again because a late fact changed the tier of its day. The last one holds;
-- transactions.valuation stays as it was, and the difference is an entry of its own.
create table revaluations (
  member_id       uuid not null,
  revaluation_id  uuid not null,
  transaction_id  uuid not null,
  recorded_at     timestamptz not null,
  valuation       json not null,
  -- what each of its returns would have taken back: {return id: [award]}
  reversed        json not null,
  primary key (member_id, revaluation_id)
);

create index revaluations_of_transaction on revaluations (member_id, transaction_id);

-- What lapsed of a lot, so that a claw-back knows what became of points that are no longer there. Written as a
-- difference, which may be negative, so no constraint bounds it; `ledger verify` does.
alter table lots add column expired bigint not null default 0;

update lots l set expired = p.expired
from (
  select member_id, lot_id,
    sum(case when to_account = 'expired' then points else -points end) as expired
  from postings
  where lot_id is not null and (to_account = 'expired' or from_account = 'expired')
  group by member_id, lot_id
) p
where l.member_id = p.member_id and l.lot_id = p.lot_id;
