-- Events to be read in order; segments that are worked out; campaigns, their experiments, and who was left
-- alone to measure them.

-- The database transaction that wrote the event. Ids of events are made before their commit, so a late commit
-- would slip in behind what was read already: readers go by (xact_id, event_id) and stop at the oldest
-- database transaction that is still under way. Rows of before count as written by this one.
alter table outbox add column xact_id xid8 not null default pg_current_xact_id();
-- Grows with every event of one member, by which its reader knows their order; not without gaps.
alter table outbox add column sequence bigint not null default 0;
create index outbox_as_committed on outbox (program, xact_id, event_id);

-- How far somebody of the house has read the outbox: a campaign that events start.
create table event_readers (
  program   text not null,
  reader    text not null,
  xact_id   xid8 not null,
  event_id  uuid not null,
  primary key (program, reader)
);

-- Sizes of segments, and one segment's members in order.
create index member_marks_in on member_marks (kind, name, member_id) where until is null;

-- The key by which chance decides who gets what: drawn once, never shown, never changed.
create table experiment_keys (
  program     text primary key,
  key         bytea not null,
  created_at  timestamptz not null
);

-- One campaign's experiment, its terms as they were when it began: they hold to its end.
create table experiments (
  program     text not null,
  experiment  text not null,
  state       text not null check (state in ('testing', 'rolled_out', 'stopped', 'undecided')),
  -- arms, control shares, size of the test, looks, error, days that are measured, margin
  terms       json not null,
  started_at  timestamptz not null,
  decided_at  timestamptz,
  -- the arm that was rolled out
  winner      text,
  primary key (program, experiment),
  check ((winner is not null) = (state = 'rolled_out')),
  check ((decided_at is null) = (state = 'testing'))
);

-- Who was put into which arm, written before anything is sent and never changed. `holdout` is the experiment
-- of the program's standing holdout: whoever is in its arm `holdout` is left alone by every campaign.
create table experiment_arms (
  member_id    uuid not null,
  experiment   text not null,
  program      text not null,
  arm          text not null,
  -- the small test, or what came after it
  phase        text not null check (phase in ('test', 'rollout')),
  assigned_at  timestamptz not null,
  -- its day in the program's zone: outcomes are of the days after it
  assigned_on  date not null,
  primary key (member_id, experiment)
);

create index experiment_arms_of on experiment_arms (program, experiment, assigned_on);

-- What was done to whom. Points and cost are what the campaign itself gave, for net value and budget.
create table treatments (
  member_id     uuid not null,
  treatment_id  uuid not null,
  program       text not null,
  campaign      text not null,
  arm           text not null,
  treated_at    timestamptz not null,
  -- in the program's money: what one treatment costs, and the points that it gave at their value
  cost          numeric not null check (cost >= 0),
  points_value  numeric not null check (points_value >= 0),
  primary key (member_id, treatment_id)
);

create index treatments_of on treatments (program, campaign, treated_at);

-- Who would have been treated and was not, and why; once for each reason, with the first and the last time.
create table suppressions (
  member_id  uuid not null,
  campaign   text not null,
  reason     text not null check (reason in ('holdout', 'capacity', 'budget', 'quiet_time', 'no_consent',
    'open_complaint', 'test_full', 'merged', 'arm_withdrawn')),
  program    text not null,
  first_at   timestamptz not null,
  last_at    timestamptz not null,
  times      integer not null,
  primary key (member_id, campaign, reason)
);

create index suppressions_of on suppressions (program, campaign, reason);

-- What the planned looks at an experiment saw, arm by arm, and what was decided on it.
create table experiment_looks (
  program     text not null,
  experiment  text not null,
  look        smallint not null,
  looked_at   timestamptz not null,
  -- share of the planned members whose outcome is known
  fraction    double precision not null,
  -- the estimate must be so many standard errors from zero
  boundary    double precision not null,
  -- [{arm, members, …}] as src/retention/look.ts gives it
  arms        json not null,
  decision    text not null check (decision in ('go_on', 'roll_out', 'stop', 'undecided')),
  primary key (program, experiment, look)
);
