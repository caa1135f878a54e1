-- part is that of the staged row that begins: of an edge that was sent twice, the later one counts.
alter table delta_membership add column part integer;
alter table delta_binding add column part integer;

