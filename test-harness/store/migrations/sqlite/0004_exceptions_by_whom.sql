-- Who accepted a finding; null if that was not recorded.
alter table finding_exception add column accepted_by text;

