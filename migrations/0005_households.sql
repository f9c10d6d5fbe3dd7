-- Pools (households), merged duplicates, and the end of a membership.

-- merged: another member answers for this one (merged_into); erased: nothing personal is known any more.
alter table members drop constraint members_status_check;
alter table members add constraint members_status_check
  check (status in ('active', 'closed', 'merged', 'erased'));
alter table members add column merged_into uuid;
alter table members add constraint members_merged_check check ((status = 'merged') = (merged_into is not null));

create index members_merged on members (merged_into) where merged_into is not null;

-- Who was merged into whom, for good; the rows of a duplicate stay where they are.
create table merges (
  member_id     uuid not null,
  -- the entry that brought the duplicate's points
  merge_id      uuid not null,
  duplicate_id  uuid not null,
  merged_at     timestamptz not null,
  merged_by     text not null,
  unmerged_at   timestamptz,
  primary key (member_id, merge_id)
);

create table pools (
  pool_id       uuid primary key,
  program       text not null,
  external_ref  text not null,
  created_at    timestamptz not null,
  -- grows with every write; updating it is also how a group locks the pool, before any member
  version       bigint not null
);

-- A member is in one pool at most.
create table pool_members (
  member_id  uuid primary key,
  pool_id    uuid not null,
  joined_at  timestamptz not null
);

create index pool_members_of_pool on pool_members (pool_id);

-- Of a redemption paid by a pool: {poolId, memberId, shares: [{memberId, redemptionId, points}]} on the one
-- that was answered with; the others say which one they are a share of.
alter table redemptions add column pool jsonb;
alter table redemptions add column part_of uuid;

-- What erasing rewrites and an export tells: commands that carry their request. Sales have theirs in
-- transactions, so the busiest write pays nothing for this.
create index commands_of_member on commands (member_id) where request is not null;
