-- A system may be removed while a worker scans it. Its run then has no system: it keeps its permit until the worker has stopped.
alter table fleet.run alter column system drop not null;
create index run_removed on fleet.run (id) where system is null;
