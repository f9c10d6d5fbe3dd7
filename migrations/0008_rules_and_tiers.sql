-- What tiers rest on beside counters, what members registered for and are in, and budgets over all members.

-- Counters used up or carried over, a time of grace, a challenge, a tier given by hand; null: nothing of these.
alter table standings add column state jsonb;
alter table tier_changes add column state jsonb;

-- Segments that a member was in and promotions that a member registered for, from `since`, strictly before
-- `until`; null: still.
create table member_marks (
  member_id    uuid not null,
  kind         text not null check (kind in ('segment', 'promotion')),
  name         text not null,
  since        timestamptz not null,
  until        timestamptz,
  recorded_at  timestamptz not null,
  primary key (member_id, kind, name, since)
);

-- What was used of a budget: a limit over all members. Shards keep sales apart that run at once: each takes
-- from a share of its own, and looks at the whole only when that is used up. Shards are locked in
-- the order of their key.
create table budgets (
  program  text not null,
  budget   text not null,
  period   date not null,
  shard    smallint not null,
  used     bigint not null,
  primary key (program, budget, period, shard)
) with (fillfactor = 50);
