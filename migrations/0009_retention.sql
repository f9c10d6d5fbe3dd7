-- Who is slipping away: what is kept of each member's purchases, what was foretold of it, who is flagged.
-- A day as an integer counts from 1 January 1970 in the program's zone: date '1970-01-01' + last_day.

-- One row for each member of a program with a retention section, written with the facts that it sums up.
-- Sums are whole numbers, so that a purchase taken back leaves the row that would stand without it.
create table retention_states (
  member_id            uuid primary key,
  program              text not null,
  -- first and last day with a purchase; null: none
  first_day            integer,
  last_day             integer,
  -- how many different days had a purchase; gaps are one fewer
  purchase_days        integer not null,
  -- sum of squared gaps in days squared, sum of their natural logarithms in millionths, the longest
  gap_squares          bigint not null,
  gap_logs             bigint not null,
  longest_gap          integer not null,
  -- all spend and that of the first day, in hundredths of the program's money
  cents                bigint not null,
  first_cents          bigint not null,
  -- fading numbers of purchase days and fading spend, by half-life in weeks, in units of their own that
  -- src/retention/state.ts undoes; whole numbers all the same
  faded_days_6         double precision not null,
  faded_days_13        double precision not null,
  faded_days_26        double precision not null,
  faded_days_52        double precision not null,
  faded_cents_6        double precision not null,
  faded_cents_13       double precision not null,
  faded_cents_26       double precision not null,
  faded_cents_52       double precision not null,
  -- all purchase days: gap to the day before, purchases, cents, as src/retention/history.ts packs them
  history              bytea not null,
  -- by name: {"<name>": {"purchases": n, "lastDay": day}}
  channels             json not null,
  categories           json not null,
  -- points of redeemable currencies that came and stayed but for redemptions, and those redeemed; their
  -- difference is what the member has
  points_earned        bigint not null,
  points_redeemed      bigint not null,
  last_redeemed_day    integer,
  -- the latest transaction that is no purchase: a log-in, a review
  last_engagement_day  integer,
  -- something happened that the row cannot follow; it is made anew from the transactions before it is used
  rebuild              boolean not null
) with (fillfactor = 70);

create index retention_states_of_program on retention_states (program, member_id);
create index retention_states_marked on retention_states (program, member_id) where rebuild;

-- By what the rows of a program were made; where its section says otherwise since, all are made anew. A small
-- reference table.
create table retention_programs (
  program    text primary key,
  -- {"timeZone", "purchases"}
  basis      jsonb not null,
  -- since when every member has a row, be it one that is marked; null: not yet
  marked_at  timestamptz
);

-- Each run of scores. The last finished one is what retention_scores holds.
create table retention_runs (
  program       text not null,
  run_id        uuid not null,
  -- the last day whose facts were read
  as_of         date not null,
  horizon_days  integer not null,
  -- accepted share of false flags
  accepted      double precision not null,
  -- ISO 4217; of expected_value, lifetime_value and at_stake in the scores
  currency      text not null,
  started_at    timestamptz not null,
  -- null: it runs, or it broke off
  finished_at   timestamptz,
  members       integer,
  -- members flagged as of the day, by kind: {"gone_quiet": n, "buying_less": n}
  flagged       json,
  -- flags that this run raised and cleared
  raised        integer,
  cleared       integer,
  -- the classic model that was chosen
  model         text,
  -- what was learnt: parameters, cuts, judges
  fit           json,
  primary key (program, run_id)
);

-- What is foretold of each member with a purchase, as of the last run.
create table retention_scores (
  member_id           uuid primary key,
  program             text not null,
  run_id              uuid not null,
  as_of               date not null,
  -- new, active, growing, slowing, gone quiet, lapsed, won back; and since when
  state               text not null,
  since               date not null,
  -- gone_quiet or buying_less; null: none
  flag                text check (flag in ('gone_quiet', 'buying_less')),
  flagged_since       date,
  -- P(no purchase in the horizon), P(fewer than half of the usual purchases)
  p_silent            double precision not null check (p_silent between 0 and 1),
  p_decline           double precision not null check (p_decline between 0 and 1),
  -- null: leaving cannot be told from silence
  p_alive             double precision,
  -- in the horizon; money is null where the program has no amounts
  expected_purchases  double precision not null,
  expected_value      numeric,
  -- what all purchases to come are worth in profit, discounted
  lifetime_value      numeric,
  -- profit that is lost if the member declines now
  at_stake            numeric,
  -- what acting on the flag is expected to change; 1 until an experiment says otherwise
  uplift              double precision not null default 1,
  -- p_decline x at_stake x uplift: the order of the worklist
  priority            double precision not null,
  -- clockwork, steady, irregular, bursty; null: too few purchases to say
  dispersion          text,
  -- fifths of the program, 5 the best
  recency             smallint not null,
  frequency           smallint not null,
  monetary            smallint not null,
  -- [{code, facts, text, clears, suppressed}], weightiest first
  reasons             json not null,
  check ((flag is null) = (flagged_since is null))
);

create index retention_scores_by_state on retention_scores (program, state);
create index retention_scores_worklist on retention_scores (program, priority desc, member_id)
  where flag is not null;

-- Flags that were raised, for good: from them follows what share turned out false.
create table retention_flags (
  member_id     uuid not null,
  flag_id       uuid not null,
  program       text not null,
  kind          text not null check (kind in ('gone_quiet', 'buying_less')),
  run_id        uuid not null,
  raised_on     date not null,
  horizon_days  integer not null,
  p_silent      double precision not null,
  p_decline     double precision not null,
  -- the most purchase days in the horizon with which the flag is true
  most          integer not null,
  cleared_on    date,
  -- whether it came true, once that is certain
  outcome       text check (outcome in ('true', 'false')),
  decided_on    date,
  primary key (member_id, flag_id),
  check ((outcome is null) = (decided_on is null))
);

create index retention_flags_raised on retention_flags (program, raised_on);
create index retention_flags_open on retention_flags (member_id) where cleared_on is null or outcome is null;
