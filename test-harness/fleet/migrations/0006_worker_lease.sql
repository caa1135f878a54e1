-- How long the leases of a worker are: without a heartbeat for that time, it is lost. Null for one of an earlier version.
alter table fleet.worker add column lease interval;
