-- The first schema. Rules that keep it fit for scale-out: every table about a member has member_id first
-- in its key; ids are made by the program (UUIDv7, so ranges of ids are ranges of recording time); a key
-- that is unique over all members has a table of its own that says which member it points at.

create table programs (
  program     text primary key,
  created_at  timestamptz not null default now()
);

-- Immutable versions of a program's rule files. In force at an instant: the latest effective_from at or
-- before it; among equals the one published later.
create table rule_versions (
  program         text not null references programs,
  publication_id  uuid not null,
  version         text not null,
  effective_from  timestamptz not null,
  published_at    timestamptz not null,
  published_by    text not null,
  note            text,
  files           jsonb not null,
  primary key (program, publication_id)
);

create table api_keys (
  key_id      uuid primary key,
  program     text not null references programs,
  source      text not null,
  scopes      text[] not null,
  key_hash    bytea not null unique,
  created_at  timestamptz not null,
  revoked_at  timestamptz
);

create table members (
  member_id     uuid primary key,
  program       text not null,
  external_ref  text not null,
  status        text not null check (status in ('active', 'closed')),
  profile       jsonb not null,
  attributes    jsonb not null,
  consents      jsonb not null,
  enrolled_at   timestamptz not null,
  created_at    timestamptz not null,
  -- grows with every write to the member; updating it is also how a group locks the member
  version       bigint not null,
  -- the next instant at which something of the member's lapses: a lot, a hold, a tier; null: nothing will
  due_at        timestamptz
) with (fillfactor = 70);

create index members_due on members (program, due_at) where due_at is not null;

-- Unique over all members, so keyed by itself.
create table identifiers (
  program    text not null,
  kind       text not null,
  value      text not null,
  member_id  uuid not null,
  status     text not null check (status in ('active', 'blocked')),
  added_at   timestamptz not null,
  primary key (program, kind, value)
);

create index identifiers_of_member on identifiers (member_id);

-- The command log: what was asked under which key, and what was answered. A replay gets the answer.
create table commands (
  program       text not null,
  source        text not null,
  operation     text not null,
  external_ref  text not null,
  command_id    uuid not null,
  member_id     uuid not null,
  request_hash  bytea not null,
  -- null for a sale: it stands in transactions.request
  request       text,
  reply         text not null,
  at            timestamptz not null,
  primary key (program, source, operation, external_ref)
);

-- A member's balances in one currency, a cache of postings that `ledger verify` recomputes.
create table accounts (
  member_id  uuid not null,
  currency   text not null,
  available  bigint not null check (available >= 0),
  pending    bigint not null check (pending >= 0),
  held       bigint not null check (held >= 0),
  -- points owed after a claw-back, as a positive number
  negative   bigint not null check (negative >= 0),
  -- earned in all, less what returns took back
  lifetime   bigint not null,
  primary key (member_id, currency)
) with (fillfactor = 70);

-- Points that lapse together. lot_id is the natural key spelt out (currency, expiry, usable-from, funder).
create table lots (
  member_id    uuid not null,
  lot_id       text not null,
  currency     text not null,
  expires_at   timestamptz,
  usable_from  timestamptz,
  funder       text not null,
  available    bigint not null check (available >= 0),
  pending      bigint not null check (pending >= 0),
  held         bigint not null check (held >= 0),
  primary key (member_id, lot_id)
) with (fillfactor = 70);

create table entries (
  member_id       uuid not null,
  entry_id        uuid not null,
  command_id      uuid not null,
  kind            text not null,
  occurred_at     timestamptz not null,
  recorded_at     timestamptz not null,
  transaction_id  uuid,
  redemption_id   uuid,
  reverses        uuid,
  rules_version   text,
  source          text not null,
  detail          jsonb,
  primary key (member_id, entry_id)
) partition by range (entry_id);

-- One row moves points between two accounts of one currency, so the legs of an entry sum to zero by
-- construction. Where points touch a lot, the row names it: these rows are also the draws.
create table postings (
  member_id     uuid not null,
  entry_id      uuid not null,
  leg           smallint not null,
  currency      text not null,
  from_account  text not null,
  to_account    text not null,
  points        bigint not null check (points > 0),
  lot_id        text,
  primary key (member_id, entry_id, leg)
) partition by range (entry_id);

create table transactions (
  member_id       uuid not null,
  transaction_id  uuid not null,
  program         text not null,
  source          text not null,
  external_ref    text not null,
  type            text not null,
  occurred_at     timestamptz not null,
  recorded_at     timestamptz not null,
  rules_version   text not null,
  -- json, not jsonb, where a document is only kept and read whole: it is stored as it came, unparsed
  request         json not null,
  -- the member's facts, limits used and awards at the time: what a return is valued against
  valuation       json not null,
  primary key (member_id, transaction_id)
) partition by range (transaction_id);

create index transactions_by_id on transactions (transaction_id);

-- What was taken back of a transaction, line by line.
create table returns (
  member_id       uuid not null,
  return_id       uuid not null,
  transaction_id  uuid not null,
  occurred_at     timestamptz not null,
  recorded_at     timestamptz not null,
  lines           jsonb not null,
  reversed        jsonb not null,
  primary key (member_id, return_id)
);

create index returns_of_transaction on returns (member_id, transaction_id);

create table redemptions (
  member_id       uuid not null,
  redemption_id   uuid not null,
  program         text not null,
  source          text not null,
  external_ref    text not null,
  status          text not null check (status in ('held', 'captured', 'released', 'expired', 'reversed')),
  currency        text not null,
  points          bigint not null check (points > 0),
  captured        bigint not null check (captured >= 0),
  reward_id       text,
  value           jsonb,
  -- which lots the points came from: [{lotId, points}], what a release or a reversal puts back
  draws           jsonb not null,
  occurred_at     timestamptz not null,
  recorded_at     timestamptz not null,
  hold_until      timestamptz,
  primary key (member_id, redemption_id)
);

create index redemptions_by_id on redemptions (redemption_id);
create index redemptions_held on redemptions (member_id, hold_until) where status = 'held';

-- Sums by business day: what tiers count (spend, transactions, points:<currency>) and what limits have
-- used (limit:<rule>, the day being the first of the limit's period).
create table counters (
  member_id  uuid not null,
  counter    text not null,
  day        date not null,
  value      numeric not null,
  primary key (member_id, counter, day)
) with (fillfactor = 70);

create table standings (
  member_id  uuid not null,
  ladder     text not null,
  tier       text not null,
  since      timestamptz not null,
  until      timestamptz,
  primary key (member_id, ladder)
);

create table tier_changes (
  member_id    uuid not null,
  change_id    uuid not null,
  ladder       text not null,
  from_tier    text not null,
  to_tier      text not null,
  direction    text not null check (direction in ('up', 'down', 'renewed')),
  -- business time of the fact or of the period's end that brought it about
  effective_at timestamptz not null,
  recorded_at  timestamptz not null,
  until        timestamptz,
  reason       text not null,
  -- a late fact made history run differently from there on; the row stays for the record
  superseded_at timestamptz,
  primary key (member_id, change_id)
);

-- Events for others, in order of event_id; written with the facts that they tell of.
create table outbox (
  member_id  uuid not null,
  event_id   uuid not null,
  program    text not null,
  type       text not null,
  payload    json not null,
  at         timestamptz not null,
  primary key (member_id, event_id)
) partition by range (event_id);

create index outbox_in_order on outbox (event_id);

create table job_runs (
  job          text primary key,
  started_at   timestamptz not null,
  finished_at  timestamptz,
  outcome      jsonb
);

-- What was said is not unsaid: corrections are new entries.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger entries_append_only before update or delete on entries
  for each row execute function refuse_change();
create trigger postings_append_only before update or delete on postings
  for each row execute function refuse_change();
