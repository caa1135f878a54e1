-- Systems, runs, and the versioned rows of every run. Times are UTC.

-- The next number of each kind.
create table counter (
    name text primary key,
    next integer not null
);
insert into counter (name, next) values ('system', 1), ('run', 1), ('object', 1), ('via', 1), ('terms', 1);

create table system (
    id integer primary key,
    name text not null unique,
    os_type text not null,
    -- Counts who took the system over: each scan, and each removal. Only the last one may write.
    fence bigint not null,
    -- The number of the last lease that was used: an earlier one is refused.
    lease bigint not null,
    -- The run whose rows stand.
    published_run integer,
    -- The oldest published run, if older ones were removed: what it changed is no longer known.
    oldest_run integer
);

create table run (
    id integer primary key,
    system integer not null references system (id),
    -- pruned: only its number and its start are kept, for the rows that stand since.
    state text not null check (state in ('staging', 'published', 'held', 'failed', 'discarded', 'pruned')),
    fence bigint not null,
    -- How often it was started: 1, and one more for each time that it was resumed.
    attempt integer not null,
    -- The number of its next checkpoint. Staged rows with this number came after the last one.
    part integer not null,
    -- How often its difference was prepared: only the last one may be completed and applied.
    prepared integer not null default 0,
    -- What the connector says of its rows, as JSON: the fields that change by themselves, and the accesses, weakest first.
    described text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text,
    -- The scan's summary, as JSON.
    summary text,
    -- How many rows of each kind are new, changed and gone, as JSON.
    changes text,
    -- What a held run would remove, as JSON.
    removals text,
    -- Why it failed or was discarded.
    reason text,
    -- Whether its staged rows are removed.
    cleared boolean not null default false
);
create index run_of_system on run (system, id);

-- Where an unfinished run stopped. It goes with the staged rows.
create table checkpoint (
    run integer primary key references run (id),
    body text not null
);

-- How each section stands after a run: as_of is when its data were last read completely, and as_of_run the run that did.
create table section_state (
    run integer not null references run (id),
    section text not null,
    status text not null,
    code text,
    as_of timestamptz,
    as_of_run integer,
    -- Whether some of its rows are older, because they depend on a section that was not complete.
    in_part boolean not null,
    primary key (run, section)
);

-- Every account, group, resource and policy that was ever seen. The type of an account is empty: it may change.
create table object (
    id integer primary key,
    system integer not null,
    kind text not null,
    type text not null,
    external_id text not null,
    unique (system, kind, type, external_id)
);

-- How an account is a member, if not simply directly and for good: steps is a JSON array.
create table via (
    id integer primary key,
    system integer not null,
    direct boolean not null,
    steps text not null,
    expires_at timestamptz,
    request_id text
);
create index via_of_system on via (system);

-- What a binding is: the types of its ends, and the access that it gives. level is 1 use, 2 write, 3 administer.
create table terms (
    id integer primary key,
    system integer not null,
    from_kind text not null,
    from_type text not null,
    to_kind text not null,
    to_type text not null,
    level integer,
    word text,
    expires_at timestamptz,
    request_id text
);
create index terms_of_system on terms (system);

-- What changes by itself, such as the last login: only as last seen, as JSON.
create table volatile_fields (
    object integer primary key,
    hash bytea not null,
    body text not null
);

-- Versions: a row stands from from_run until before to_run. body is the row as JSON without its volatile fields, hash its
-- digest; name_key and email_key are in lower case. severity is 1 info to 5 critical, and null if not privileged.

create table account_version (
    object integer not null,
    system integer not null,
    from_run integer not null,
    to_run integer,
    type text not null,
    name text not null,
    name_key text not null,
    display_name text,
    email text,
    email_key text,
    enabled boolean,
    admin boolean,
    severity integer,
    raises_level integer,
    raises_word text,
    raises_types text,
    hash bytea not null,
    body text not null,
    primary key (object, from_run)
);
create unique index account_standing on account_version (system, object) where to_run is null;
create index account_from on account_version (system, from_run);
create index account_to on account_version (system, to_run) where to_run is not null;
create index account_name on account_version (system, name_key);
create index account_email on account_version (system, email_key) where email_key is not null;

create table group_version (
    object integer not null,
    system integer not null,
    from_run integer not null,
    to_run integer,
    type text not null,
    name text not null,
    name_key text not null,
    severity integer,
    privileged boolean not null,
    raises_level integer,
    raises_word text,
    raises_types text,
    hash bytea not null,
    body text not null,
    primary key (object, from_run)
);
create unique index group_standing on group_version (system, object) where to_run is null;
create index group_from on group_version (system, from_run);
create index group_to on group_version (system, to_run) where to_run is not null;
create index group_name on group_version (system, name_key);

create table resource_version (
    object integer not null,
    system integer not null,
    from_run integer not null,
    to_run integer,
    type text not null,
    name text not null,
    name_key text not null,
    container boolean not null,
    hash bytea not null,
    body text not null,
    primary key (object, from_run)
);
create unique index resource_standing on resource_version (system, object) where to_run is null;
create index resource_from on resource_version (system, from_run);
create index resource_to on resource_version (system, to_run) where to_run is not null;
create index resource_name on resource_version (system, name_key);

create table policy_version (
    object integer not null,
    system integer not null,
    from_run integer not null,
    to_run integer,
    type text not null,
    name text not null,
    name_key text not null,
    hash bytea not null,
    body text not null,
    primary key (object, from_run)
);
create unique index policy_standing on policy_version (system, object) where to_run is null;
create index policy_from on policy_version (system, from_run);
create index policy_to on policy_version (system, to_run) where to_run is not null;
create index policy_name on policy_version (system, name_key);

-- A row that ends is written again. By default the space of the old ones is reused when they are a fifth of the table.
create table membership_version (
    system integer not null,
    group_id integer not null,
    account_id integer not null,
    from_run integer not null,
    to_run integer,
    via integer,
    primary key (system, group_id, account_id, from_run)
) with (autovacuum_vacuum_scale_factor = 0.02);
create index membership_of_account on membership_version (account_id);
create index membership_from on membership_version (system, from_run);
create index membership_to on membership_version (system, to_run) where to_run is not null;

-- The names in a membership, if they are not those of its account and its group as of the run: they are as old as the
-- membership if it was kept when the others were read, and they come from it if the others have no row.
create table membership_name (
    system integer not null,
    group_id integer not null,
    account_id integer not null,
    from_run integer not null,
    to_run integer,
    username text not null,
    group_name text not null,
    primary key (system, group_id, account_id, from_run)
);

create table binding_version (
    system integer not null,
    from_id integer not null,
    to_id integer not null,
    terms integer not null,
    from_run integer not null,
    to_run integer,
    primary key (system, from_id, to_id, terms, from_run)
) with (autovacuum_vacuum_scale_factor = 0.02);
create index binding_of_target on binding_version (to_id);
create index binding_from on binding_version (system, from_run);
create index binding_to on binding_version (system, to_run) where to_run is not null;

-- Staged: the rows of runs that are not published. part is the checkpoint that they belong to; layer is 0 as scanned, and
-- 1 merged with what the store had.

create table staged_account (
    run integer not null,
    object integer not null,
    layer integer not null,
    part integer not null,
    type text not null,
    name text not null,
    name_key text not null,
    display_name text,
    email text,
    email_key text,
    enabled boolean,
    admin boolean,
    severity integer,
    raises_level integer,
    raises_word text,
    raises_types text,
    hash bytea not null,
    body text not null,
    volatile_hash bytea,
    volatile text,
    primary key (run, layer, object)
);

create table staged_group (
    run integer not null,
    object integer not null,
    layer integer not null,
    part integer not null,
    type text not null,
    name text not null,
    name_key text not null,
    severity integer,
    privileged boolean not null,
    raises_level integer,
    raises_word text,
    raises_types text,
    hash bytea not null,
    body text not null,
    volatile_hash bytea,
    volatile text,
    primary key (run, layer, object)
);

create table staged_resource (
    run integer not null,
    object integer not null,
    layer integer not null,
    part integer not null,
    type text not null,
    name text not null,
    name_key text not null,
    container boolean not null,
    hash bytea not null,
    body text not null,
    volatile_hash bytea,
    volatile text,
    primary key (run, layer, object)
);

create table staged_policy (
    run integer not null,
    object integer not null,
    layer integer not null,
    part integer not null,
    type text not null,
    name text not null,
    name_key text not null,
    hash bytea not null,
    body text not null,
    volatile_hash bytea,
    volatile text,
    primary key (run, layer, object)
);

create table staged_membership (
    run integer not null,
    group_id integer not null,
    account_id integer not null,
    via integer,
    part integer not null
);
create index staged_membership_of_run on staged_membership using brin (run);

create table staged_membership_name (
    run integer not null,
    group_id integer not null,
    account_id integer not null,
    username text not null,
    group_name text not null,
    part integer not null
);
create index staged_membership_name_of_run on staged_membership_name (run, group_id, account_id);

create table staged_binding (
    run integer not null,
    from_id integer not null,
    to_id integer not null,
    terms integer not null,
    part integer not null
);
create index staged_binding_of_run on staged_binding using brin (run);

-- The difference that publishing a run makes, prepared before it: closes is the from_run of the version that ends, opens
-- whether a version begins; for objects the layer of the staged row that is its content.
create table delta_object (
    run integer not null,
    kind text not null,
    object integer not null,
    closes integer,
    opens integer,
    volatile integer,
    primary key (run, kind, object)
);

create table delta_membership (
    run integer not null,
    group_id integer not null,
    account_id integer not null,
    via integer,
    opens boolean not null,
    closes integer
);
create index delta_membership_of_run on delta_membership using brin (run);

create table delta_membership_name (
    run integer not null,
    group_id integer not null,
    account_id integer not null,
    username text,
    group_name text,
    opens boolean not null,
    closes integer
);
create index delta_membership_name_of_run on delta_membership_name (run, group_id, account_id);

create table delta_binding (
    run integer not null,
    from_id integer not null,
    to_id integer not null,
    terms integer not null,
    opens boolean not null,
    closes integer
);
create index delta_binding_of_run on delta_binding using brin (run);

-- Whose edges publishing a run keeps, because a section was not complete: the ids of objects and terms.
create table kept (
    run integer not null,
    what text not null,
    id integer not null,
    primary key (run, what, id)
);
