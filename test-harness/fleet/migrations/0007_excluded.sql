-- Organisations of a provider that somebody keeps out of the fleet: they are not added again when the provider lists them.
create table fleet.excluded (
    provider integer not null references fleet.provider on delete cascade,
    -- Its id at the provider.
    organization text not null,
    -- The name of the system that it was.
    name text not null,
    excluded_at timestamptz not null default clock_timestamp(),
    primary key (provider, organization)
);
