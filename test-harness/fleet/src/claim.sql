-- The run whose worker was lost first, unless its system was removed, or else the first of the queue, for worker $1 and a lease of $2 seconds.
update fleet.run r set state = 'running', attempt = attempt + 1, worker = $1, lease = nextval('fleet.lease'),
    lease_until = clock_timestamp() + make_interval(secs => $2), started_at = clock_timestamp(), progress = null
from fleet.system s
where r.id = coalesce(
        (select id from fleet.run where state = 'running' and lease_until < clock_timestamp() and system is not null
         order by lease_until limit 1 for update skip locked),
        (select id from fleet.run where state = 'queued' order by priority, id limit 1 for update skip locked))
    and s.id = r.system
returning r.id, r.lease, r.attempt, r.retries, r.cancel, s.name, s.os_type, s.hostname, s.port, r.credential, s.attributes
