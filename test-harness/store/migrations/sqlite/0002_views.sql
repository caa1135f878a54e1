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

-- Which account reaches which resource, and how strongly: by its own bindings and those of its groups, into containers, with
-- what the account and the groups on the way raise. Containers themselves are nothing to reach.
create view access_now as
with recursive
-- Group low is group high, or is inside it.
nesting (low, high) as (
    select object, object from group_version where to_run is null
    union
    select n.low, b.to_id from nesting n
    join binding_version b on b.from_id = n.high and b.to_run is null
    join terms t on t.id = b.terms and t.from_kind = 'group' and t.to_kind = 'group'
),
-- A resource is what is bound, or is inside it.
inside (bound, resource) as (
    select object, object from resource_version where to_run is null
    union
    select i.bound, b.from_id from inside i
    join binding_version b on b.to_id = i.resource and b.to_run is null
    join terms t on t.id = b.terms and t.from_kind = 'resource' and t.to_kind = 'resource'
),
-- The strongest binding on each way: of an account itself, or of a group that it is in, through its group entry.
way (account, entry, bound_group, resource, level) as (
    select b.from_id, null, null, i.resource, coalesce(t.level, 1)
    from binding_version b
    join terms t on t.id = b.terms and t.from_kind = 'account' and t.to_kind = 'resource'
    join inside i on i.bound = b.to_id
    where b.to_run is null
    union all
    select m.account_id, n.low, n.high, i.resource, coalesce(t.level, 1)
    from binding_version b
    join terms t on t.id = b.terms and t.from_kind = 'group' and t.to_kind = 'resource'
    join inside i on i.bound = b.to_id
    join nesting n on n.high = b.from_id
    join membership_version m on m.group_id = n.low and m.to_run is null
    left join via w on w.id = m.via
    where b.to_run is null and coalesce(w.direct, true)
),
reached (account, resource, level) as (
    select w.account, w.resource, max(max(
        w.level,
        coalesce(case when exists (select 1 from json_each(a.raises_types) j where j.value = v.type) then a.raises_level end, 0),
        coalesce((
            select max(g.raises_level) from nesting up
            join nesting on_way on on_way.low = up.high and on_way.high = w.bound_group
            join group_version g on g.object = up.high and g.to_run is null
            where up.low = w.entry and exists (select 1 from json_each(g.raises_types) j where j.value = v.type)
        ), 0)
    ))
    from way w
    join account_version a on a.object = w.account and a.to_run is null
    join resource_version v on v.object = w.resource and v.to_run is null and not v.container
    group by w.account, w.resource
)
select s.name as system, ao.external_id as account_external_id, a.name as username, v.type as resource_type,
    ro.external_id as resource_external_id, v.name as resource_name,
    case x.level when 1 then 'use' when 2 then 'write' when 3 then 'administer' end as level
from reached x
join account_version a on a.object = x.account and a.to_run is null
join resource_version v on v.object = x.resource and v.to_run is null
join object ao on ao.id = x.account
join object ro on ro.id = x.resource
join system s on s.id = v.system;
