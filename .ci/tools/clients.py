#!/usr/bin/env python3
"""Lets other JumpCloud clients read the simulator, and holds what they list against the rows of a scan.

The simulator answers them as JumpCloud does: what they find must be what a scan finds. The mock server of one of them
stands for the other direction: a scan of it has to end with the core complete.
"""

import json
import os
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path

import common

SALTEXT = "saltext-jumpcloud==0.1.0"
# Salt brings some eighty packages; these are what its HTTP client needs.
SALT = ["salt==3008.4", "tornado==6.6.1", "PyYAML==6.0.3", "msgpack==1.2.4", "Jinja2==3.1.6", "MarkupSafe==3.0.4"]
SALT += ["distro==1.9.0", "looseversion==1.3.0", "packaging==26.4"]
COMMAND = ["jumpcloud==2.0.1", "requests==2.34.2"]
# What a group is bound to that is no direct grant: rules of other kinds, and device groups, which lead to devices.
NOT_GRANTED = {"policy", "policy_group", "password_manager_item", "idp_routing_policy", "system_group"}
SCRIPTS = Path(__file__).parent / "clients"


def listed(python, script, url, key, folder):
    """What a client lists."""
    file = Path(folder) / f"{script}.json"
    environment = {**os.environ, "CONSOLE_URL": url, "CONSOLE_KEY": key, "LISTS": str(file), "NO_PROXY": "127.0.0.1"}
    ended = subprocess.run(
        [python, SCRIPTS / f"{script}.py"], env=environment, capture_output=True, text=True, timeout=100, cwd=folder
    )
    if ended.returncode != 0:
        return {}, [f"{script}: {(ended.stderr or ended.stdout).strip().splitlines()[-1]}"]
    return json.loads(file.read_text()), []


def rows_of_scan(url, key, folder):
    """The rows of a scan, in the form of the clients' lists."""
    file = Path(folder) / "rows.ndjson"
    code, said = common.run_harness("scan", url, key, "--set", "effectiveGrants=all", "--quiet", f"--output={file}")
    if code != 0:
        raise RuntimeError(said)
    rows = defaultdict(list)
    for line in file.read_text().splitlines():
        row = json.loads(line)
        rows[row["record"]].append(row)
    groups = sorted(row["externalId"] for row in rows["group"] if row["groupType"] == "JUMPCLOUD_USER_GROUP")
    members, associations = {group: [] for group in groups}, {group: [] for group in groups}
    users = sorted(row["externalId"] for row in rows["account"] if row["kind"] == "user")
    for row in rows["membership"]:
        if row["direct"] and row["groupExternalId"] in members:
            members[row["groupExternalId"]].append(row["accountExternalId"])
    for row in rows["grant"]:
        if row["direct"] and row["principal"]["externalId"] in associations:
            resource = row["resource"]
            associations[row["principal"]["externalId"]].append([plain(resource["resourceType"]), resource["externalId"]])
    # Local administrators have accounts on devices, too, but are no users; JumpCloud's lists leave temporary access out.
    reach = defaultdict(set)
    for row in rows["grant"]:
        standing = "expiresAt" not in row and row["principal"]["externalId"] in users
        if standing and row["resource"]["resourceType"] == "system":
            reach[row["resource"]["externalId"]].add(row["principal"]["externalId"])
    devices = sorted(row["externalId"] for row in rows["resource"] if row["resourceType"] == "system")
    return {
        "users": users,
        "groups": groups,
        "devices": devices,
        "members": {group: sorted(ids) for group, ids in members.items()},
        "associations": {group: sorted(edges) for group, edges in associations.items()},
        "users of devices": {device: sorted(reach[device]) for device in devices},
    }


def plain(kind):
    """The name of a kind, however it is spelled."""
    return kind.replace("_", "").lower()


def compare(client, lists, truth):
    """In what a client's lists differ from the rows of a scan."""
    for subject in ("users", "groups", "devices"):
        if lists[subject] != truth[subject]:
            yield f"{client}: {len(lists[subject])} {subject}, the scan has {len(truth[subject])}"
    users = set(truth["users"])
    for group, members in lists["members"].items():
        # Groups in groups are no rows of their own.
        if [member for member in members if member in users] != truth["members"][group]:
            yield f"{client}: {len(members)} members of {group}, the scan has {len(truth['members'][group])}"
    for group, edges in lists.get("associations", {}).items():
        edges = sorted([plain(kind), id] for kind, id in edges if kind not in NOT_GRANTED)
        if edges != truth["associations"][group]:
            yield f"{client}: associations of {group}: {edges}, the scan has {truth['associations'][group]}"
    for device, reached in lists.get("users of devices", {}).items():
        if reached != truth["users of devices"][device]:
            yield f"{client}: {len(reached)} users of {device}, the scan has {len(truth['users of devices'][device])}"
    for resource, pairs in lists.get("found by name", {}).items():
        yield from (f"{client}: {resource} {wanted} is found as {got}" for wanted, got in pairs if wanted not in got)


def scan_mock(folder):
    """Scans saltext-jumpcloud's own mock server."""
    package = common.install("saltext-source", [SALTEXT], lambda folder: common.quietly(
        *pip(), "download", "--no-deps", "--no-binary", ":all:", SALTEXT, cwd=folder
    ))
    with tarfile.open(next(package.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    server = next(Path(folder).glob("saltext*/tests/mock/server.py"))
    with common.process(*pip()[:1], SCRIPTS / "mock_server.py", server, ready=r"listens at (\S+)") as (_, found):
        file = Path(folder) / "mock.ndjson"
        code, said = common.run_harness("scan", found[1], "any key", "--quiet", f"--output={file}")
        rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    counts = {kind: sum(row["record"] == kind for row in rows) for kind in ("account", "group", "membership", "resource")}
    # It has no administrators, no directories and no log.
    expected = {"account": 250, "group": 121, "membership": 0, "resource": 2}
    return [] if (code, counts) == (3, expected) else [f"the mock server: exit {code}, {counts}, not {expected}: {said}"]


def pip():
    """The pip of an environment."""
    python = common.pypi("yaml", "PyYAML==6.0.3") / "python"
    return [python, "-m", "pip", "--disable-pip-version-check"]


def run():
    salt = common.pypi("saltext", SALTEXT, *SALT, options=["--no-deps"]) / "python"
    command = common.pypi("jumpcloud", *COMMAND) / "python"
    faults, counts = [], []
    with tempfile.TemporaryDirectory() as folder:
        with common.simulator() as (url, key):
            truth = rows_of_scan(url, key, folder)
            for python, script in ((salt, "saltext_jumpcloud"), (command, "jumpcloud_command")):
                lists, failed = listed(python, script, url, key, folder)
                faults += failed or compare(script, lists, truth)
                counts += [f"{script} {' '.join(f'{len(part)} {subject}' for subject, part in lists.items())}"]
        faults += scan_mock(folder)
    print(f"clients: {'; '.join(counts)}")
    return faults


if __name__ == "__main__":
    common.main(run)
