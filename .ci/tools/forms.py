#!/usr/bin/env python3
"""Lets form renderers and a strict validator take the schemas as the harness prints them.

Every attribute of every connector must have an input in react-jsonschema-form (v5 and v6) and in JSON Forms, which offers
the choices by their titles and returns what was filled in. Ajv in strict mode must load the schemas without a word, take
the defaults and examples, and take each row of a scan. Schemas that are broken on purpose must be caught.
"""

import copy
import json
import subprocess
import tempfile
from pathlib import Path

import common

JSDOM = "jsdom@26.1.0"  # The newest one that runs on Node.js 20.
RJSF_5 = [f"@rjsf/{part}@5.24.13" for part in ("core", "utils", "validator-ajv8")]
RJSF_6 = [f"@rjsf/{part}@6.11.1" for part in ("core", "utils", "validator-ajv8")]
JSON_FORMS = [f"@jsonforms/{part}@3.8.0" for part in ("core", "react", "vanilla-renderers")]
AJV = ["ajv@8.20.0", "ajv-formats@3.0.1"]
REACT_18 = ["react@18.3.1", "react-dom@18.3.1"]
REACT_19 = ["react@19.3.1", "react-dom@19.3.1"]
# What draws forms: by which script, with which packages.
RENDERERS = {
    "react-jsonschema-form 5": ("rjsf", [*RJSF_5, *REACT_18, JSDOM]),
    "react-jsonschema-form 6": ("rjsf", [*RJSF_6, *REACT_19, JSDOM]),
    "JSON Forms": ("json_forms", [*JSON_FORMS, *AJV, *REACT_19, JSDOM]),
}
VALIDATOR = "Ajv"
OS_TYPES = ["JumpCloud", "Scim"]
SCRIPTS = Path(__file__).parent / "forms"


def said(*arguments):
    """What the harness prints, as JSON."""
    return json.loads(subprocess.run([common.harness(), *arguments], check=True, stdout=subprocess.PIPE).stdout)


def ask(script, *arguments, of):
    """What a script finds wrong with each of what it is given."""
    command = ["node", SCRIPTS / f"{script}.cjs", *arguments]
    ended = subprocess.run(command, input=json.dumps(of), capture_output=True, text=True, timeout=100)
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr)
    return json.loads(ended.stdout)


# Ways in which a property may be broken, as they were met or are likely, and what must notice.
CHOICES = [{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]
RJSF = {name for name in RENDERERS if name != "JSON Forms"}
BREAKAGES = {
    "choices without a type": ({"oneOf": [{"type": "string", **choice} for choice in CHOICES]}, RJSF),
    "choices without titles": ({"type": "string", "oneOf": [{"const": "a"}, {"const": "b"}]}, {*RENDERERS}),
    "choices that may be null": ({"anyOf": [{"type": "string", "oneOf": CHOICES}, {"type": "null"}]}, {*RENDERERS}),
    "a property without a type": ({}, {*RENDERERS}),
    "a number that may be null": ({"type": ["number", "null"], "minimum": 1}, {*RENDERERS}),
    "a list of anything": ({"type": "array", "items": {}}, {*RENDERERS}),
    "a limit without a type": ({"minimum": 1}, {*RENDERERS, VALIDATOR}),
    "a format that is not known": ({"type": "integer", "format": "uint16"}, {VALIDATOR}),
    "a default that is not valid": ({"type": "integer", "maximum": 5, "default": 6}, {VALIDATOR}),
    "a default of null": ({"type": "string", "default": None}, {VALIDATOR}),
    "a word that is not known": ({"type": "string", "advanced": True}, {VALIDATOR}),
}


def broken(schema):
    """The schema with one more property, broken in each of the ways."""
    for way, (property, _) in BREAKAGES.items():
        changed = copy.deepcopy(schema)
        changed["properties"]["broken"] = {"title": "Broken", **property}
        yield way, changed


def examined(schema):
    """A schema of settings with values that it must take: nothing, all defaults, each example."""
    properties = schema["properties"].items()
    defaults = {name: property["default"] for name, property in properties if "default" in property}
    examples = [{name: example} for name, property in properties for example in property.get("examples", [])]
    return {"schema": schema, "valid": [{}, defaults, *examples], "invalid": [{"unknown": 1}]}


def rows():
    """The schema of the rows with the rows that it must take, and some that it must not."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "demo.ndjson"
        scan = [common.harness(), "scan", "--demo", "--quiet", f"--output={file}"]
        subprocess.run(scan, check=True, timeout=100)
        valid = [json.loads(line) for line in file.read_text().splitlines()]
    kinds = {row["record"]: row for row in valid}
    nameless = [{key: value for key, value in row.items() if key != "record"} for row in kinds.values()]
    gaps = {"account": "externalId", "group": "name", "membership": "username", "resource": "resourceType"}
    gaps |= {"binding": "from", "grant": "principal", "summary": "outcome"}
    partial = [{key: value for key, value in kinds[kind].items() if key != gap} for kind, gap in gaps.items()]
    return {"schema": said("schema", "--rows"), "valid": valid, "invalid": [*nameless, *partial]}


def run():
    folders = {name: common.npm(f"forms-{name.replace(' ', '-')}", *packages) for name, (_, packages) in RENDERERS.items()}
    schemas = {os_type: said("schema", "--os-type", os_type) for os_type in OS_TYPES}
    ways = dict(broken(schemas["Scim"]))
    found = {}
    for name, (script, _) in RENDERERS.items():
        found[name] = ask("filled_in", script, folders[name], of={**schemas, **ways})
    values = {name: examined(schema) for name, schema in {**schemas, **ways}.items()}
    scanned = rows()
    found[VALIDATOR] = ask("strict", folders["JSON Forms"], of={**values, "the rows": scanned})

    faults = []
    for name, of in found.items():
        for which, wrong in of.items():
            if which not in ways:
                faults.extend(f"{name}, {which}: {fault}" for fault in wrong)
            elif name in BREAKAGES[which][1] and not any(name == VALIDATOR or "broken " in fault for fault in wrong):
                faults.append(f"{name} does not notice {which}: {wrong}")
    inputs = sum(len(schema["properties"]) for schema in schemas.values())
    print(f"forms: {inputs} attributes in {len(RENDERERS)} renderers, {len(scanned['valid'])} rows, {len(ways)} breakages")
    return faults


if __name__ == "__main__":
    common.main(run)
