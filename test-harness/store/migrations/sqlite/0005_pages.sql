-- What pages read: counts after a run, and indexes for lists that begin with the most severe and for names that begin with a
-- text.

-- Counts over all rows after a run, as JSON. They follow from the rows: without them they are counted again.
create table run_figures (
    run integer primary key,
    system integer not null,
    figures text not null
);
create index figures_of_system on run_figures (system, run);

create index account_privileged on account_version (system, severity, object) where severity is not null;

create index account_worst on account_version (system, (case when body like '%"severity":"critical"%' then 5 when body like '%"severity":"high"%' then 4
    when body like '%"severity":"medium"%' then 3 when body like '%"severity":"low"%' then 2 else 1 end), object)
    where body like '%"reasons":%';
create index group_worst on group_version (system, (case when body like '%"severity":"critical"%' then 5 when body like '%"severity":"high"%' then 4
    when body like '%"severity":"medium"%' then 3 when body like '%"severity":"low"%' then 2 else 1 end), object)
    where body like '%"reasons":%';
create index resource_worst on resource_version (system, (case when body like '%"severity":"critical"%' then 5 when body like '%"severity":"high"%' then 4
    when body like '%"severity":"medium"%' then 3 when body like '%"severity":"low"%' then 2 else 1 end), object)
    where body like '%"reasons":%';

create index account_name_begins on account_version (system, substr(name_key, 1, 64));
create index group_name_begins on group_version (system, substr(name_key, 1, 64));
create index resource_name_begins on resource_version (system, substr(name_key, 1, 64));
create index policy_name_begins on policy_version (system, substr(name_key, 1, 64));
create index account_email_begins on account_version (system, substr(email_key, 1, 64)) where email_key is not null;
create index object_id_begins on object (system, kind, substr(external_id, 1, 64));
