-- Sales without a member, until somebody shows the receipt. Kept by their own id, which they keep when they
-- are attached: from then on they stand in transactions too, under the member.
create table loose_sales (
  transaction_id  uuid primary key,
  program         text not null,
  source          text not null,
  external_ref    text not null,
  request         json not null,
  occurred_at     timestamptz not null,
  recorded_at     timestamptz not null,
  -- grows with every group that has to do with the sale; updating it is how a group locks it
  version         bigint not null,
  member_id       uuid,
  attached_at     timestamptz
);

-- What can be credited once only, such as a ticket's coupon; unique over all members, so keyed by itself.
create table claims (
  program         text not null,
  type            text not null,
  claim           text not null,
  member_id       uuid not null,
  transaction_id  uuid not null,
  primary key (program, type, claim)
);
