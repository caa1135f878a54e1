#!/usr/bin/env python3
"""Holds the simulator against JumpCloud's published documents with schemathesis.

Each document is reduced to the operations that the simulator serves and to ids that it has. Fails on a server error, and
on any difference that test-harness/simulator/observed-differs-from-published.txt does not name. CASES is the number of requests
drawn for each operation, SEED what they are drawn from.
"""

import base64
import fnmatch
import json
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import common
import reduce

SCHEMATHESIS = "schemathesis==4.32.5"
BASES = {"v1": "/api", "v2": "/api/v2", "directory-insights": "/insights/directory/v1"}
LIST = common.ROOT / "test-harness" / "simulator" / "observed-differs-from-published.txt"
# What follows from what an operation made has no meaning where nothing can be made.
LEFT_OUT = "use_after_free,ensure_resource_availability,object_level_authorization"
OPTIONS = ["--continue-on-failure", "--phases", "examples,coverage,fuzzing", "--exclude-checks", LEFT_OUT]
OPTIONS += ["--generation-with-security-parameters", "false"]
# The fewest operations of each document that the simulator serves: fewer means that reducing went wrong.
SERVED = {"v1": 13, "v2": 73, "directory-insights": 4}


def events(program, document, base, console, folder):
    """Runs schemathesis on a document; what it reports, event by event."""
    path, report = folder / "document.json", folder / "events.ndjson"
    path.write_text(json.dumps(document, default=str))
    command = [program, "run", path, "-u", console.url + base, "--report", "ndjson", "--report-ndjson-path", report]
    command += ["-H", f"x-api-key: {console.key}", "-n", common.CASES or "5", "--seed", common.SEED, *OPTIONS]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder)
    if ended.returncode not in (0, 1):
        raise RuntimeError(ended.stdout + ended.stderr)
    return [json.loads(line) for line in report.read_text().splitlines()]


def differences(events):
    """Each difference that schemathesis found: the operation, in what it differs, and the request."""
    for event in events:
        if error := event.get("NonFatalError"):
            yield error.get("label", "?"), f"error of schemathesis: {str(error)[:300]}", {}
        scenario = event.get("ScenarioFinished", {}).get("recorder", {})
        for case, checks in scenario.get("checks", {}).items():
            for check in checks:
                if check["status"] == "failure":
                    exchange, asked = scenario["interactions"][case], scenario["cases"][case]["value"]["meta"]
                    if how := in_words(check, exchange, asked):
                        yield scenario["label"], how, exchange["request"]


def wrong(asked):
    """What of a request is not as described."""
    data = asked["phase"]["data"] or {}
    if data.get("parameter"):
        return f"{data['parameter_location']} {data['parameter']}"
    negative = [name for name, component in asked["components"].items() if component["mode"] == "negative"]
    return " ".join(negative) or data.get("description", "?")


def in_words(check, exchange, asked):
    """A difference in few words, the same for all values that show it."""
    answer = exchange["response"]
    status, message = answer["status_code"], check["failure_info"]["failure"]["message"]
    match check["name"]:
        case "status_code_conformance":
            return f"answers {status}"
        case "positive_data_acceptance":
            said = json.loads(base64.b64decode(answer["content"]["$base64"])).get("message", "")
            return f"refuses what is described: {status} {said}"
        case "negative_data_rejection":
            place = wrong(asked)
            if place.startswith("query") and "" in dict(parse_qsl(urlsplit(exchange["request"]["uri"]).query, True)).values():
                return "takes what is not described: an empty parameter"
            # Of these only reducing said that other values are not described.
            return None if place in {f"query {name}" for name in reduce.TEXTS} else f"takes what is not described: {place}"
        case "response_schema_conformance":
            places = re.findall(r"Schema at /(?:components/schemas/)?(\S+?):?\n", message)
            return "schema: " + ", ".join(places)
        case name:
            return f"{name}: {message.splitlines()[0]}"


def shown(request):
    """A request, so that it can be made again."""
    body = base64.b64decode(request.get("body", {}).get("$base64", "")).decode(errors="replace")
    headers = {name: value for name, value in request.get("headers", {}).items() if name.lower() != "x-api-key"}
    return f"{request.get('method')} {request.get('uri')} {headers} {body}"[:500]


def run():
    documents = {name: common.document(name) for name in BASES}
    program = common.pypi("schemathesis", SCHEMATHESIS) / "schemathesis"
    listed, seen = common.known(LIST), Counter()
    faults, found, example, requests = [], Counter(), {}, 0
    with common.simulator() as (url, key):
        console = reduce.Console(url, key)
        for name, base in BASES.items():
            document = reduce.reduce(common.load(documents[name]), base, console)
            operations = sum(len(item) for item in document["paths"].values())
            if operations < SERVED[name]:
                faults.append(f"{operations} operations of {name} are served, not {SERVED[name]}")
            with tempfile.TemporaryDirectory() as folder:
                reported = events(program, document, base, console, Path(folder))
            for event in reported:
                requests += len(event.get("ScenarioFinished", {}).get("recorder", {}).get("interactions", {}))
            for operation, how, request in differences(reported):
                found[operation, how] += 1
                example[operation, how] = request
    for (operation, how), times in sorted(found.items()):
        known = [entry for entry in listed if fnmatch.fnmatchcase(operation, entry[0]) and fnmatch.fnmatchcase(how, entry[1])]
        seen.update(known)
        if not known:
            faults.append(f"{times} times: {operation} | {how}\n  {shown(example[operation, how])}")
    unseen = [" | ".join(entry) for entry in listed if entry not in seen]
    print(f"schemathesis: {requests} requests, {len(seen)} of {len(listed)} known differences seen")
    for entry in unseen:
        print(f"not seen this time: {entry}")
    return faults


if __name__ == "__main__":
    common.main(run)
