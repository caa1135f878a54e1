-- What stands now, and what stood after each published run, under names that do not change: a view that ends in _now, and
-- one that ends in _at, which has the number of the run in addition. since_run is the run since which a row stands as it is,
-- since when that run started. body has every field of the row that does not change by itself, as JSON text.

-- The published runs. Each is a snapshot of its system.
create view snapshot as
select s.name as system, r.id as run, r.started_at as at, r.outcome
from run r
join system s on s.id = r.system
where r.state = 'published';

create view account_now as
select s.name as system, o.external_id, v.type as kind, v.name as username, v.display_name, v.email, v.enabled, v.admin,
    case v.severity when 1 then 'info' when 2 then 'low' when 3 then 'medium' when 4 then 'high' when 5 then 'critical' end as severity,
    cast(cast(v.body as jsonb) #>> '{mfa,configured}' as boolean) as second_factor,
    cast(v.body as jsonb) #>> '{protection,portal,result}' as portal_sign_in,
    cast(v.body as jsonb) #>> '{protection,console,result}' as console_sign_in,
    coalesce(cast(f.body as jsonb) #>> '{lastLogin,succeededAt}', cast(v.body as jsonb) #>> '{lastLogin,succeededAt}') as last_login,
    v.from_run as since_run, r.started_at as since, v.body
from account_version v
join object o on o.id = v.object
left join volatile_fields f on f.object = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where v.to_run is null;

create view account_at as
select s.name as system, q.id as run, o.external_id, v.type as kind, v.name as username, v.display_name, v.email, v.enabled, v.admin,
    case v.severity when 1 then 'info' when 2 then 'low' when 3 then 'medium' when 4 then 'high' when 5 then 'critical' end as severity,
    cast(cast(v.body as jsonb) #>> '{mfa,configured}' as boolean) as second_factor,
    cast(v.body as jsonb) #>> '{protection,portal,result}' as portal_sign_in,
    cast(v.body as jsonb) #>> '{protection,console,result}' as console_sign_in,
    v.from_run as since_run, r.started_at as since, v.body
from run q
join account_version v on v.system = q.system and v.from_run <= q.id and (v.to_run is null or v.to_run > q.id)
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where q.state = 'published';

create view group_now as
select s.name as system, o.external_id, v.type as group_type, v.name, v.privileged,
    case v.severity when 1 then 'info' when 2 then 'low' when 3 then 'medium' when 4 then 'high' when 5 then 'critical' end as severity,
    v.from_run as since_run, r.started_at as since, v.body
from group_version v
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where v.to_run is null;

create view group_at as
select s.name as system, q.id as run, o.external_id, v.type as group_type, v.name, v.privileged,
    case v.severity when 1 then 'info' when 2 then 'low' when 3 then 'medium' when 4 then 'high' when 5 then 'critical' end as severity,
    v.from_run as since_run, r.started_at as since, v.body
from run q
join group_version v on v.system = q.system and v.from_run <= q.id and (v.to_run is null or v.to_run > q.id)
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where q.state = 'published';

create view resource_now as
select s.name as system, o.external_id, v.type as resource_type, v.name, v.container,
    v.from_run as since_run, r.started_at as since, v.body
from resource_version v
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where v.to_run is null;

create view resource_at as
select s.name as system, q.id as run, o.external_id, v.type as resource_type, v.name, v.container,
    v.from_run as since_run, r.started_at as since, v.body
from run q
join resource_version v on v.system = q.system and v.from_run <= q.id and (v.to_run is null or v.to_run > q.id)
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where q.state = 'published';

create view policy_now as
select s.name as system, o.external_id, v.type as policy_type, v.name,
    cast(cast(v.body as jsonb) #>> '{enabled}' as boolean) as enabled,
    cast(cast(v.body as jsonb) #>> '{monitorOnly}' as boolean) as monitor_only,
    cast(v.body as jsonb) #>> '{effect}' as effect,
    cast(v.body as jsonb) #>> '{conditions}' as conditions,
    v.from_run as since_run, r.started_at as since, v.body
from policy_version v
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where v.to_run is null;

create view policy_at as
select s.name as system, q.id as run, o.external_id, v.type as policy_type, v.name,
    cast(cast(v.body as jsonb) #>> '{enabled}' as boolean) as enabled,
    cast(cast(v.body as jsonb) #>> '{monitorOnly}' as boolean) as monitor_only,
    cast(v.body as jsonb) #>> '{effect}' as effect,
    cast(v.body as jsonb) #>> '{conditions}' as conditions,
    v.from_run as since_run, r.started_at as since, v.body
from run q
join policy_version v on v.system = q.system and v.from_run <= q.id and (v.to_run is null or v.to_run > q.id)
join object o on o.id = v.object
join system s on s.id = v.system
join run r on r.id = v.from_run
where q.state = 'published';

create view membership_now as
select s.name as system, ao.external_id as account_external_id, coalesce(p.username, a.name) as username,
    go.type as group_type, go.external_id as group_external_id, coalesce(p.group_name, g.name) as group_name,
    coalesce(w.direct, true) as direct, w.expires_at, w.request_id, m.from_run as since_run, r.started_at as since
from membership_version m
join object ao on ao.id = m.account_id
join object go on go.id = m.group_id
left join membership_name p on p.system = m.system and p.group_id = m.group_id and p.account_id = m.account_id
    and p.to_run is null
left join account_version a on a.object = m.account_id and a.to_run is null
left join group_version g on g.object = m.group_id and g.to_run is null
left join via w on w.id = m.via
join system s on s.id = m.system
join run r on r.id = m.from_run
where m.to_run is null;

create view membership_at as
select s.name as system, q.id as run, ao.external_id as account_external_id, coalesce(p.username, a.name) as username,
    go.type as group_type, go.external_id as group_external_id, coalesce(p.group_name, g.name) as group_name,
    coalesce(w.direct, true) as direct, w.expires_at, w.request_id, m.from_run as since_run, r.started_at as since
from run q
join membership_version m on m.system = q.system and m.from_run <= q.id and (m.to_run is null or m.to_run > q.id)
join object ao on ao.id = m.account_id
join object go on go.id = m.group_id
left join membership_name p on p.system = m.system and p.group_id = m.group_id and p.account_id = m.account_id
    and p.from_run <= q.id and (p.to_run is null or p.to_run > q.id)
left join account_version a on a.object = m.account_id and a.from_run <= q.id and (a.to_run is null or a.to_run > q.id)
left join group_version g on g.object = m.group_id and g.from_run <= q.id and (g.to_run is null or g.to_run > q.id)
left join via w on w.id = m.via
join system s on s.id = m.system
join run r on r.id = m.from_run
where q.state = 'published';

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

create view binding_at as
select s.name as system, q.id as run, t.from_kind, t.from_type, f.external_id as from_external_id,
    t.to_kind, t.to_type, o.external_id as to_external_id,
    case t.level when 1 then 'use' when 2 then 'write' when 3 then 'administer' end as level, t.word, t.expires_at,
    t.request_id, b.from_run as since_run, r.started_at as since
from run q
join binding_version b on b.system = q.system and b.from_run <= q.id and (b.to_run is null or b.to_run > q.id)
join terms t on t.id = b.terms
join object f on f.id = b.from_id
join object o on o.id = b.to_id
join system s on s.id = b.system
join run r on r.id = b.from_run
where q.state = 'published';

create view privileged_now as
select * from account_now where severity is not null;

create view privileged_at as
select * from account_at where severity is not null;

-- How each section stands: as_of is when its data were last read completely, and null if never.
create view section_now as
select s.name as system, t.section, t.status, t.code, t.as_of, t.as_of_run, t.in_part
from section_state t
join run r on r.id = t.run
join system s on s.id = r.system
where t.run = s.published_run;

create view section_at as
select s.name as system, r.id as run, t.section, t.status, t.code, t.as_of, t.as_of_run, t.in_part
from section_state t
join run r on r.id = t.run
join system s on s.id = r.system
where r.state = 'published';

-- The evidence of privilege and risk, one row each.
create view finding_now as
select e.system, e.record, e.type, e.external_id, e.name, j.value ->> 'severity' as severity, j.value ->> 'kind' as kind,
    j.value ->> 'code' as code, j.value ->> 'message' as message, j.value ->> 'remedy' as remedy
from (
    select system, 'account' as record, kind as type, external_id, username as name, body from account_now
    union all
    select system, 'group' as record, group_type as type, external_id, name as name, body from group_now
    union all
    select system, 'resource' as record, resource_type as type, external_id, name as name, body from resource_now
) e
cross join lateral jsonb_array_elements(cast(e.body as jsonb) -> 'reasons') j;

create view finding_at as
select e.system, e.run, e.record, e.type, e.external_id, e.name, j.value ->> 'severity' as severity, j.value ->> 'kind' as kind,
    j.value ->> 'code' as code, j.value ->> 'message' as message, j.value ->> 'remedy' as remedy
from (
    select system, run, 'account' as record, kind as type, external_id, username as name, body from account_at
    union all
    select system, run, 'group' as record, group_type as type, external_id, name as name, body from group_at
    union all
    select system, run, 'resource' as record, resource_type as type, external_id, name as name, body from resource_at
) e
cross join lateral jsonb_array_elements(cast(e.body as jsonb) -> 'reasons') j;
