-- What experiments said of each flag when a run of scores began: the worklist shows it beside the order it makes.

-- by flag: {"gone_quiet": {"uplift": x, "low": x, "high": x, "trials": n, "treated": n, "control": n}, …}
alter table retention_runs add column uplifts json;
