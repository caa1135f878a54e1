-- Names and ids of any length. An entry of an ordered index has at most 2,704 bytes, one of a hash index is a digest.
alter table object drop constraint object_system_kind_type_external_id_key;
-- Two digests of type and id: nobody can choose ids that share both.
create unique index object_identity on object (
    system,
    kind,
    (cast(md5(cast(length(type) as text) || ':' || type || external_id) as uuid)),
    (cast(md5(reverse(cast(length(type) as text) || ':' || type || external_id)) as uuid))
);
create index object_external_id on object using hash (external_id);
drop index account_name, account_email, group_name, resource_name, policy_name;
create index account_name on account_version using hash (name_key);
create index account_email on account_version using hash (email_key);
create index group_name on group_version using hash (name_key);
create index resource_name on resource_version using hash (name_key);
create index policy_name on policy_version using hash (name_key);

