-- How each system stands: its last run, and its last complete scan. Triggers keep it in the transaction that changes a run, also
-- for older programs, so that counts and lists look at a narrow row of each system or at an index, and never at all of its runs.
-- Whoever locks a row of it has locked the system's run before, or has just added it: so nobody waits for each other.
lock table fleet.system, fleet.run in share row exclusive mode;

create table fleet.standing (
    system bigint primary key references fleet.system on delete cascade,
    added_at timestamptz not null,
    run bigint,
    state text,
    ended_at timestamptz,
    scanned_at timestamptz
);
insert into fleet.standing
    select s.id, s.added_at, r.id, r.state, r.ended_at,
           (select max(c.ended_at) from fleet.run c where c.system = s.id and c.state = 'complete')
    from fleet.system s
    left join lateral (select * from fleet.run r where r.system = s.id order by r.id desc limit 1) r on true;
-- The latest that failed, or are held, come first.
create index standing_state on fleet.standing (state, ended_at desc, run);
-- Those whose last complete scan is longest ago, or that were added first of those without any.
create index standing_oldest on fleet.standing (coalesce(scanned_at, added_at));
-- The run that was requested first.
create index run_age on fleet.run (state, requested_at) where state in ('waiting', 'queued', 'running');
-- Those that are old enough to be forgotten.
create index run_ended on fleet.run (ended_at) where ended_at is not null;

create function fleet.system_stands() returns trigger language plpgsql as $$ begin
    insert into fleet.standing (system, added_at) values (new.id, new.added_at);
    return null;
end $$;
create trigger system_stands after insert on fleet.system for each row execute function fleet.system_stands();

create function fleet.run_stands() returns trigger language plpgsql as $$ begin
    update fleet.standing set run = new.id, state = new.state, ended_at = new.ended_at,
        scanned_at = case new.state when 'complete' then new.ended_at else scanned_at end
        where system = new.system;
    return null;
end $$;
create trigger run_stands after insert on fleet.run for each row execute function fleet.run_stands();
create trigger run_stands_now after update of state on fleet.run
    for each row when (new.state <> old.state) execute function fleet.run_stands();

create or replace view fleet.last_run as
    select s.name, s.os_type, s.hostname, s.credential, s.priority, s.schedule, s.zone, s.next_at, s.gone_at, st.added_at,
           p.name as provider, st.run, st.state, r.requested_at, r.not_before, r.cancel, r.attempt, r.retries, r.worker,
           r.lease_until, r.started_at, st.ended_at, r.progress, r.store_run, r.outcome, r.code, r.message, r.remedy,
           st.scanned_at
    from fleet.standing st
    join fleet.system s on s.id = st.system
    left join fleet.provider p on p.id = s.provider
    left join fleet.run r on r.id = st.run;
