#!/usr/bin/env python3
"""Scans simulated consoles through Prism, which holds each request against JumpCloud's published documents.

Fails when Prism refuses a request that connector-jumpcloud/unpublished-requests.txt does not name, and when no scan
makes a request that it names.
"""

import contextlib
import socket
import tempfile
import threading
from urllib.parse import urlsplit

import common
from front import APIS, Front, Nothing, Server

# The newest one that runs on Node.js 20.
PRISM = "@stoplight/prism-cli@5.14.2"
LIST = common.ROOT / "connector-jumpcloud" / "unpublished-requests.txt"
SMALL = ["--users", "130", "--groups", "12", "--systems", "20"]
TOKEN = "service account"
# How a console is simulated, and the settings of each scan of it.
CONSOLES = [
    ([], [[], ["groupDetails=filtered", "verifyGrants=3"], ["usersEndpoint=systemusers"]]),
    (["--as", "published", "--users-endpoint", "both"], [["usersEndpoint=v2"]]),
    (["--with", "null-edges=5%", "--with", "group-filter=refused"], [["groupDetails=filtered"]]),
    (["--with", "v2-sort=nothing", "--fault", "dangling"], [[]]),
    ([], [[TOKEN]]),
]


def scan_all(front):
    """Scans each console in each way; what went wrong."""
    faults = []

    def run(command, key, *arguments):
        code, said = common.run_harness(command, f"http://{front.address}", key, *arguments)
        if code != 0:
            faults.append(f"{command} {' '.join(arguments)} ended with {code}: {said}")

    with tempfile.TemporaryDirectory() as folder:
        for number, (simulated, scans) in enumerate(CONSOLES):
            with common.simulator(*SMALL, *simulated) as (url, key):
                front.target, front.key = urlsplit(url).netloc, key
                for settings in scans:
                    arguments = [f"--set={setting}" for setting in settings]
                    if settings == [TOKEN]:
                        token_url = f"jumpcloudTokenUrl=http://{front.address}/oauth2/token"
                        arguments = ["--set=jumpcloudAuthentication=serviceAccount", f"--set={token_url}", "--username=sa_1"]
                    run("test-connection", key, *arguments)
                    run("scan", key, *arguments, "--quiet", f"--output={folder}/{number}.ndjson")
        with common.simulator(*SMALL, "--organizations", "3") as (url, key):
            front.target = urlsplit(url).netloc
            run("scan", key, "--all-organizations", "--quiet", f"--output={folder}/all/")
    return faults


def free_port():
    """Prism takes no port 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run():
    paths = {name: common.document(name) for name in APIS.values()}
    programs = common.npm("prism", PRISM) / "node_modules" / ".bin"
    upstream, prisms = Server(Nothing), {}
    with contextlib.ExitStack() as stack:
        for name, path in paths.items():
            command = [programs / "prism", "proxy", path, f"http://{upstream.address}", "-p", free_port()]
            child, found = stack.enter_context(common.process(*command, ready=r"is listening on http://([\d.:]+)"))
            # What it logs has to be read, or it stands still.
            threading.Thread(target=child.stdout.read, daemon=True).start()
            prisms[name] = found[1]
        front = Front(prisms, {name: common.load(path) for name, path in paths.items()})
        faults = scan_all(front)
    listed = common.known(LIST)
    expected = {found: next((key for key in (found, ("*", found[1])) if key in listed), None) for found in front.unpublished}
    for (request, how), times in sorted(front.unpublished.items()):
        if expected[request, how] is None:
            faults.append(f"not as published, {times} times: {request} | {how}")
    for request, how in listed.keys() - expected.values():
        faults.append(f"{LIST.name} names what no scan asked: {request} | {how}")
    kinds, requests = len(front.requests), front.requests.total()
    print(f"prism: {requests} requests of {kinds} kinds, {len(expected)} of them not as published")
    return faults


if __name__ == "__main__":
    common.main(run)
