-- A key at a target, by the name that the configuration of the workers knows it by. The key itself is never here.
create table fleet.credential (
    name text primary key check (name <> ''),
    -- How many scans may use it at the same time.
    cap integer not null default 1 check (cap > 0)
);

-- A key that reads several organisations, each of which is a system.
create table fleet.provider (
    id integer generated always as identity primary key,
    name text not null unique check (name <> ''),
    os_type text not null,
    hostname text not null,
    port integer,
    credential text not null references fleet.credential,
    attributes jsonb not null default '{}',
    priority integer not null,
    schedule text,
    zone text,
    -- When its organisations were last listed, when that is due again, and why it failed.
    listed_at timestamptz,
    next_at timestamptz not null default clock_timestamp(),
    code text,
    message text,
    remedy text
);

create table fleet.system (
    id bigint generated always as identity primary key,
    -- Also its name in the store.
    name text not null unique check (name <> ''),
    os_type text not null,
    hostname text not null,
    port integer,
    credential text not null references fleet.credential,
    -- Without secrets.
    attributes jsonb not null default '{}',
    -- The lowest is scanned first; a negative one is scanned only by hand.
    priority integer not null,
    -- A cron pattern, in `zone` or UTC, or `every` with a time.
    schedule text,
    zone text,
    -- When the schedule requests the next run.
    next_at timestamptz,
    provider integer references fleet.provider,
    -- The id of the organisation at its provider.
    organization text,
    -- Since when the provider no longer lists it: then its schedule rests.
    gone_at timestamptz,
    added_at timestamptz not null default clock_timestamp(),
    unique (provider, organization)
);
create index system_due on fleet.system (next_at) where next_at is not null;

-- The numbers of leases. They go on where a store that was scanned into before has stopped.
create sequence fleet.lease as bigint;
select setval('fleet.lease', (select coalesce(max(lease), 0) + 1 from system));

-- What is to be scanned, is being scanned, and became of it: this table decides, whatever wakes the workers.
create table fleet.run (
    id bigint generated always as identity primary key,
    system bigint not null references fleet.system on delete cascade,
    credential text not null references fleet.credential,
    priority integer not null,
    -- waiting: for a permit of its credential, or until `not_before`. queued: has a permit, and any worker may claim it.
    -- running: has a permit and a lease. The others are ends.
    state text not null default 'waiting'
        check (state in ('waiting', 'queued', 'running', 'complete', 'held', 'failed', 'cancelled')),
    requested_at timestamptz not null default clock_timestamp(),
    not_before timestamptz not null default clock_timestamp(),
    -- Somebody wants it to end.
    cancel boolean not null default false,
    -- How often it was started, and how often it failed and was worth another start.
    attempt integer not null default 0,
    retries integer not null default 0,
    worker text,
    lease bigint,
    lease_until timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    progress jsonb,
    -- The run of the store that it was kept as, and its outcome.
    store_run integer,
    outcome text,
    -- Why it failed last.
    code text,
    message text,
    remedy text
);
-- One scan of a system at a time.
create unique index run_open on fleet.run (system) where state in ('waiting', 'queued', 'running');
create index run_waiting on fleet.run (credential, priority, requested_at, id) where state = 'waiting';
create index run_permits on fleet.run (credential) where state in ('queued', 'running');
create index run_queued on fleet.run (priority, id) where state = 'queued';
create index run_leased on fleet.run (lease_until) where state = 'running';
create index run_of_system on fleet.run (system, id desc);

-- The workers that are there, by their heartbeats.
create table fleet.worker (
    name text primary key,
    version text not null,
    concurrency integer not null,
    started_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp()
);

-- The last run of each system, for status and for any other program.
create view fleet.last_run as
    select s.name, s.os_type, s.hostname, s.credential, s.priority, s.schedule, s.zone, s.next_at, s.gone_at, s.added_at,
           p.name as provider, r.id as run, r.state, r.requested_at, r.not_before, r.cancel, r.attempt, r.retries, r.worker,
           r.lease_until, r.started_at, r.ended_at, r.progress, r.store_run, r.outcome, r.code, r.message, r.remedy,
           (select max(c.ended_at) from fleet.run c where c.system = s.id and c.state = 'complete') as scanned_at
    from fleet.system s
    left join fleet.provider p on p.id = s.provider
    left join lateral (select * from fleet.run r where r.system = s.id order by r.id desc limit 1) r on true;
