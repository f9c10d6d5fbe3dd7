-- What was expected of points at what time: estimates from history and rates declared by hand. None is ever
-- changed; in force at an instant is the one with the latest effective_from at or before it, among equals the
-- one made later. A small reference table: there are a few rows a month.

create table breakage_estimates (
  program          text not null references programs,
  estimate_id      uuid not null,
  currency         text not null,
  method           text not null check (method in ('survival', 'declared')),
  effective_from   timestamptz not null,
  made_at          timestamptz not null,
  made_by          text not null,
  -- of points given, the share redeemed in the end; one less this is breakage
  redemption_rate  numeric not null check (redemption_rate between 0 and 1),
  low              numeric,
  high             numeric,
  -- what it was made from: history counted, rate of open points, curve
  detail           jsonb not null,
  note             text,
  primary key (program, estimate_id)
);

create trigger breakage_estimates_append_only before update or delete on breakage_estimates
  for each row execute function refuse_change();
