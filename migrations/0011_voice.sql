-- What members say: complaints, satisfaction, and complaints that were resolved. The text is personal; it
-- goes when a member is erased. A duplicate's stays the duplicate's when it is merged.
create table feedback (
  member_id       uuid not null,
  feedback_id     uuid not null,
  program         text not null,
  source          text not null,
  external_ref    text not null,
  kind            text not null check (kind in ('complaint', 'satisfaction', 'resolved')),
  -- on the scale that the program declared then
  score           smallint,
  -- the score as a share of that scale: 0 the worst, 1 the best
  satisfaction    double precision check (satisfaction between 0 and 1),
  -- what it is about
  transaction_id  uuid,
  text            text,
  occurred_at     timestamptz not null,
  recorded_at     timestamptz not null,
  -- a complaint that nobody has resolved
  open            boolean not null,
  -- of a complaint: when it was resolved, in business time
  resolved_at     timestamptz,
  -- of what resolves: which complaint
  resolves        uuid,
  primary key (member_id, feedback_id),
  check (open = (kind = 'complaint' and resolved_at is null))
);
create index feedback_open on feedback (program, member_id) where open;

-- What is bought by the same members, as the job found it last: for each product its nearest ones, with how
-- near. Written whole by each run, a program's rows at once; only those of the newest run count.
create table product_neighbours (
  program     text not null,
  product     text not null,
  run_id      uuid not null,
  -- [[product, nearness], …], nearest first
  neighbours  json not null,
  primary key (program, product, run_id)
);

-- One run over a program's products: how many there are and which are bought by most members of late, for
-- members of whom nothing is known; null finished_at: under way, or broken off.
create table product_runs (
  program      text not null,
  run_id       uuid not null,
  as_of        timestamptz not null,
  products     integer not null,
  members      integer not null,
  -- [[product, members], …], most first
  popular      json not null,
  finished_at  timestamptz,
  primary key (program, run_id)
);

-- Where the ratings by value part, as the job reckoned them last over all members: profits at the ends of A,
-- B, C and D, in the program's money.
create table value_runs (
  program      text not null,
  run_id       uuid not null,
  as_of        timestamptz not null,
  members      integer not null,
  grade_ends   numeric[] not null,
  primary key (program, run_id)
);
