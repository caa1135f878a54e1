-- Whether an account stood after a run is read from the index alone: a million members are counted without their bodies.
alter table account_version drop constraint account_version_pkey, add primary key (object, from_run) include (to_run);
