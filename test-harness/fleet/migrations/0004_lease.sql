-- A scan ends its run by the number of its lease alone.
create index run_lease on fleet.run (lease) where state = 'running';
