-- An edge that is sent twice is staged twice, as in PostgreSQL, and the later one counts.
create table staged_membership_of_parts (
    run integer not null,
    group_id integer not null,
    account_id integer not null,
    via integer,
    part integer not null,
    primary key (run, group_id, account_id, part)
) without rowid;
insert into staged_membership_of_parts select run, group_id, account_id, via, part from staged_membership;
drop table staged_membership;
alter table staged_membership_of_parts rename to staged_membership;

create table staged_membership_name_of_parts (
    run integer not null,
    group_id integer not null,
    account_id integer not null,
    username text not null,
    group_name text not null,
    part integer not null,
    primary key (run, group_id, account_id, part)
) without rowid;
insert into staged_membership_name_of_parts
select run, group_id, account_id, username, group_name, part from staged_membership_name;
drop table staged_membership_name;
alter table staged_membership_name_of_parts rename to staged_membership_name;

create table staged_binding_of_parts (
    run integer not null,
    from_id integer not null,
    to_id integer not null,
    terms integer not null,
    part integer not null,
    primary key (run, from_id, to_id, terms, part)
) without rowid;
insert into staged_binding_of_parts select run, from_id, to_id, terms, part from staged_binding;
drop table staged_binding;
alter table staged_binding_of_parts rename to staged_binding;

-- part is that of the staged row that begins.
alter table delta_membership add column part integer;
alter table delta_binding add column part integer;

