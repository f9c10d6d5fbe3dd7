-- Points that lapse by inactivity lapse all at once, so when is said once for the account, not by lot. Days with
-- activity stand in counters (`active:<currency>`); active_on is the last of them.
alter table accounts
  add column active_on date,
  -- null: no such points, or the member is exempt
  add column lapses_at timestamptz;

-- Points of a transaction that await its confirmation stand in a lot of its own, cancelled at this instant.
alter table lots
  add column cancels_at timestamptz;

-- How it was decided about transactions whose points awaited it.
create table confirmations (
  member_id       uuid not null,
  transaction_id  uuid not null,
  outcome         text not null check (outcome in ('confirmed', 'cancelled')),
  -- nobody cancelled it, its time ran out
  automatic       boolean not null,
  occurred_at     timestamptz not null,
  recorded_at     timestamptz not null,
  -- [{currency, points, lotId}]
  decided         jsonb not null,
  primary key (member_id, transaction_id)
);
