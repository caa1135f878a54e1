-- What stands now, under names that do not change. since_run is the run since which a row stands as it is, since when that
-- run started. body has every field of the row, as JSON text.

create view account_now as
select s.name as system, o.external_id, v.type as kind, v.name as username, v.display_name, v.email, v.enabled, v.admin,
    case v.severity when 1 then 'info' when 2 then 'low' when 3 then 'medium' when 4 then 'high' when 5 then 'critical' end as severity, v.from_run as since_run, r.started_at as since, v.body
from account_version v
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where v.to_run is null;

create view group_now as
select s.name as system, o.external_id, v.type as group_type, v.name, v.privileged,
    case v.severity when 1 then 'info' when 2 then 'low' when 3 then 'medium' when 4 then 'high' when 5 then 'critical' end as severity, v.from_run as since_run, r.started_at as since, v.body
from group_version v
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where v.to_run is null;

create view resource_now as
select s.name as system, o.external_id, v.type as resource_type, v.name, v.container,
    v.from_run as since_run, r.started_at as since, v.body
from resource_version v
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where v.to_run is null;

create view membership_now as
select s.name as system, ao.external_id as account_external_id, a.name as username,
    go.type as group_type, go.external_id as group_external_id, g.name as group_name, coalesce(w.direct, true) as direct,
    m.from_run as since_run, r.started_at as since
from membership_version m
join object ao on ao.id = m.account_id
join object go on go.id = m.group_id
left join account_version a on a.object = m.account_id and a.to_run is null
left join group_version g on g.object = m.group_id and g.to_run is null
left join via w on w.id = m.via
join system s on s.id = m.system
join run r on r.id = m.from_run
where m.to_run is null;

create view binding_now as
select s.name as system, t.from_kind, t.from_type, f.external_id as from_external_id,
    t.to_kind, t.to_type, o.external_id as to_external_id,
    case t.level when 1 then 'use' when 2 then 'write' when 3 then 'administer' end as level, t.word, t.expires_at,
    t.request_id, b.from_run as since_run, r.started_at as since
from binding_version b
join terms t on t.id = b.terms
join object f on f.id = b.from_id
join object o on o.id = b.to_id
join system s on s.id = b.system
join run r on r.id = b.from_run
where b.to_run is null;

create view privileged_now as
select * from account_now where severity is not null;
