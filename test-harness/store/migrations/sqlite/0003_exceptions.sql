-- Findings that somebody accepted, by their id, with the reason, until a time. Afterwards they count again.
create table finding_exception (
    system integer not null references system (id),
    finding text not null,
    reason text not null,
    expires_at text not null,
    primary key (system, finding)
) without rowid;
