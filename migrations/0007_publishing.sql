-- A version that is still to come can be withdrawn. Everything else about a publication stands for good:
-- who published what, when and why.

alter table rule_versions
  add column withdrawn_at timestamptz,
  add column withdrawn_by text,
  add column withdrawn_note text,
  add constraint rule_versions_withdrawn check ((withdrawn_at is null) = (withdrawn_by is null)),
  add constraint rule_versions_withdrawn_before_start check (withdrawn_at < effective_from);

create function keep_publication() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.withdrawn_at is not null
    or (new.program, new.publication_id, new.version, new.effective_from, new.published_at, new.published_by,
        new.note, new.files)
      is distinct from
       (old.program, old.publication_id, old.version, old.effective_from, old.published_at, old.published_by,
        old.note, old.files)
  then
    raise exception 'a publication never changes' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create trigger rule_versions_keep before update or delete on rule_versions
  for each row execute function keep_publication();
