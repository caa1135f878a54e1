-- A run that was held counts as complete once the store no longer holds it: somebody accepted it, or a later scan took its place.
-- `ended_as` is the state with which the run ended, for which there is an index.
create or replace view fleet.last_run as
    select s.name, s.os_type, s.hostname, s.credential, s.priority, s.schedule, s.zone, s.next_at, s.gone_at, st.added_at,
           p.name as provider, st.run,
           case when st.state = 'held' and not exists (select 1 from run k where k.id = r.store_run and k.state = 'held')
                then 'complete' else st.state end as state,
           r.requested_at, r.not_before, r.cancel, r.attempt, r.retries, r.worker,
           r.lease_until, r.started_at, st.ended_at, r.progress, r.store_run, r.outcome, r.code, r.message, r.remedy,
           case when st.state = 'held' and exists (select 1 from run k where k.id = r.store_run and k.state = 'published')
                then st.ended_at else st.scanned_at end as scanned_at,
           st.state as ended_as
    from fleet.standing st
    join fleet.system s on s.id = st.system
    left join fleet.provider p on p.id = s.provider
    left join fleet.run r on r.id = st.run;

-- The system with a schedule whose last complete scan is longest ago, or that was added first of those without any: the first
-- of those that an index has in this order, or of the few whose last run was held.
create view fleet.oldest_scan as
    select name, scanned_at, added_at from (
        (select s.name, st.scanned_at, st.added_at
         from fleet.standing st join fleet.system s on s.id = st.system
         where s.schedule is not null and s.priority >= 0 and s.gone_at is null and st.state is distinct from 'held'
         order by coalesce(st.scanned_at, st.added_at) limit 1)
        union all
        (select l.name, l.scanned_at, l.added_at from fleet.last_run l
         where l.schedule is not null and l.priority >= 0 and l.gone_at is null and l.ended_as = 'held'
         order by coalesce(l.scanned_at, l.added_at) limit 1)) o
    order by coalesce(scanned_at, added_at) limit 1;
