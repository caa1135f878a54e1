-- A checkpoint in pieces, in their order: that of a large organisation is too large to be written at once.
alter table checkpoint rename to whole_checkpoint;
create table checkpoint (
    run integer not null references run (id),
    piece integer not null,
    body text not null,
    primary key (run, piece)
);
insert into checkpoint (run, piece, body) select run, 0, body from whole_checkpoint;
drop table whole_checkpoint;
