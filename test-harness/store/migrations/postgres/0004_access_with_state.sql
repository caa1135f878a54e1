-- Which account reaches which resource, and how strongly: by its own bindings and those of its groups, into containers, with
-- what the account and the groups on the way raise. Containers themselves are nothing to reach. expires_at is the end of the
-- last way, and null if there is a way for good. A binding counts only while both of its ends have rows. enabled is
-- whether the account can be used at all.
create or replace view access_now as
with recursive
-- Group low is group high, or is inside it.
nesting (low, high) as (
    select g.object, g.object from group_version g where g.to_run is null
    union
    select n.low, b.to_id from nesting n
    join binding_version b on b.from_id = n.high and b.to_run is null
    join terms t on t.id = b.terms and t.from_kind = 'group' and t.to_kind = 'group'
    join group_version g on g.object = b.to_id and g.to_run is null
),
-- A resource is what is bound, or is inside it.
inside (bound, resource) as (
    select v.object, v.object from resource_version v where v.to_run is null
    union
    select i.bound, b.from_id from inside i
    join binding_version b on b.to_id = i.resource and b.to_run is null
    join terms t on t.id = b.terms and t.from_kind = 'resource' and t.to_kind = 'resource'
    join resource_version v on v.object = b.from_id and v.to_run is null
),
-- Each binding on each way: of an account itself, or of a group that it is in, through its group entry. It ends with the
-- binding or with the membership, whichever is earlier.
way (account, entry, bound_group, resource, level, expires_at) as (
    select b.from_id, null, null, i.resource, coalesce(t.level, 1), t.expires_at
    from binding_version b
    join terms t on t.id = b.terms and t.from_kind = 'account' and t.to_kind = 'resource'
    join inside i on i.bound = b.to_id
    where b.to_run is null
    union all
    select m.account_id, n.low, n.high, i.resource, coalesce(t.level, 1),
        least(t.expires_at, w.expires_at)
    from binding_version b
    join terms t on t.id = b.terms and t.from_kind = 'group' and t.to_kind = 'resource'
    join inside i on i.bound = b.to_id
    join nesting n on n.high = b.from_id
    join membership_version m on m.group_id = n.low and m.to_run is null
    left join via w on w.id = m.via
    where b.to_run is null and coalesce(w.direct, true)
),
reached (account, resource, level, expires_at) as (
    select w.account, w.resource, max(greatest(
        w.level,
        coalesce(case when jsonb_exists(cast(a.raises_types as jsonb), v.type) then a.raises_level end, 0),
        coalesce((
            select max(g.raises_level) from nesting up
            join nesting on_way on on_way.low = up.high and on_way.high = w.bound_group
            join group_version g on g.object = up.high and g.to_run is null
            where up.low = w.entry and jsonb_exists(cast(g.raises_types as jsonb), v.type)
        ), 0)
    )),
    case when count(w.expires_at) = count(*) then max(w.expires_at) end
    from way w
    join account_version a on a.object = w.account and a.to_run is null
    join resource_version v on v.object = w.resource and v.to_run is null and not v.container
    group by w.account, w.resource
)
select s.name as system, ao.external_id as account_external_id, a.name as username, v.type as resource_type,
    ro.external_id as resource_external_id, v.name as resource_name,
    case x.level when 1 then 'use' when 2 then 'write' when 3 then 'administer' end as level, x.expires_at,
    a.enabled
from reached x
join account_version a on a.object = x.account and a.to_run is null
join resource_version v on v.object = x.resource and v.to_run is null
join object ao on ao.id = x.account
join object ro on ro.id = x.resource
join system s on s.id = v.system;

-- The same after a run. Always ask for one run: it is computed anew for each.
create or replace view access_at as
select s.name as system, q.id as run, ao.external_id as account_external_id, a.name as username, v.type as resource_type,
    ro.external_id as resource_external_id, v.name as resource_name,
    case x.level when 1 then 'use' when 2 then 'write' when 3 then 'administer' end as level, x.expires_at as expires_at,
    a.enabled
from run q
cross join lateral (
    with recursive
    -- Group low is group high, or is inside it.
    nesting (low, high) as (
        select g.object, g.object from group_version g where g.from_run <= q.id and (g.to_run is null or g.to_run > q.id) and g.system = q.system
        union
        select n.low, b.to_id from nesting n
        join binding_version b on b.from_id = n.high and b.from_run <= q.id and (b.to_run is null or b.to_run > q.id)
        join terms t on t.id = b.terms and t.from_kind = 'group' and t.to_kind = 'group'
        join group_version g on g.object = b.to_id and g.from_run <= q.id and (g.to_run is null or g.to_run > q.id)
    ),
    -- A resource is what is bound, or is inside it.
    inside (bound, resource) as (
        select v.object, v.object from resource_version v where v.from_run <= q.id and (v.to_run is null or v.to_run > q.id) and v.system = q.system
        union
        select i.bound, b.from_id from inside i
        join binding_version b on b.to_id = i.resource and b.from_run <= q.id and (b.to_run is null or b.to_run > q.id)
        join terms t on t.id = b.terms and t.from_kind = 'resource' and t.to_kind = 'resource'
        join resource_version v on v.object = b.from_id and v.from_run <= q.id and (v.to_run is null or v.to_run > q.id)
    ),
    -- Each binding on each way: of an account itself, or of a group that it is in, through its group entry. It ends with the
    -- binding or with the membership, whichever is earlier.
    way (account, entry, bound_group, resource, level, expires_at) as (
        select b.from_id, null, null, i.resource, coalesce(t.level, 1), t.expires_at
        from binding_version b
        join terms t on t.id = b.terms and t.from_kind = 'account' and t.to_kind = 'resource'
        join inside i on i.bound = b.to_id
        where b.from_run <= q.id and (b.to_run is null or b.to_run > q.id) and b.system = q.system
        union all
        select m.account_id, n.low, n.high, i.resource, coalesce(t.level, 1),
            least(t.expires_at, w.expires_at)
        from binding_version b
        join terms t on t.id = b.terms and t.from_kind = 'group' and t.to_kind = 'resource'
        join inside i on i.bound = b.to_id
        join nesting n on n.high = b.from_id
        join membership_version m on m.group_id = n.low and m.from_run <= q.id and (m.to_run is null or m.to_run > q.id)
        left join via w on w.id = m.via
        where b.from_run <= q.id and (b.to_run is null or b.to_run > q.id) and b.system = q.system and coalesce(w.direct, true)
    ),
    reached (account, resource, level, expires_at) as (
        select w.account, w.resource, max(greatest(
            w.level,
            coalesce(case when jsonb_exists(cast(a.raises_types as jsonb), v.type) then a.raises_level end, 0),
            coalesce((
                select max(g.raises_level) from nesting up
                join nesting on_way on on_way.low = up.high and on_way.high = w.bound_group
                join group_version g on g.object = up.high and g.from_run <= q.id and (g.to_run is null or g.to_run > q.id)
                where up.low = w.entry and jsonb_exists(cast(g.raises_types as jsonb), v.type)
            ), 0)
        )),
        case when count(w.expires_at) = count(*) then max(w.expires_at) end
        from way w
        join account_version a on a.object = w.account and a.from_run <= q.id and (a.to_run is null or a.to_run > q.id)
        join resource_version v on v.object = w.resource and v.from_run <= q.id and (v.to_run is null or v.to_run > q.id) and not v.container
        group by w.account, w.resource
    )
    select account, resource, level, expires_at from reached
) x
join account_version a on a.object = x.account and a.from_run <= q.id and (a.to_run is null or a.to_run > q.id)
join resource_version v on v.object = x.resource and v.from_run <= q.id and (v.to_run is null or v.to_run > q.id)
join object ao on ao.id = a.object
join object ro on ro.id = v.object
join system s on s.id = v.system
where q.state = 'published';
