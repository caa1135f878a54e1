-- A checkpoint in pieces, in their order: that of a large organisation is too large to be written at once.
alter table checkpoint add column piece integer not null default 0;
alter table checkpoint alter column piece drop default;
alter table checkpoint drop constraint checkpoint_pkey;
alter table checkpoint add primary key (run, piece);
