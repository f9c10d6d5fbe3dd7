-- A test may be ended by somebody; and no arm is ever another one than was written before the treatment.

-- who decided: the source of the key, or the command line; null where the plan did
alter table experiments add column decided_by text check (decided_by is null or decided_at is not null);

create trigger experiment_arms_keep before update on experiment_arms
  for each row execute function refuse_change();
