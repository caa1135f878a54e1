"""JumpCloud's published documents, reduced to the operations that a console serves and to ids that it has."""

import copy
import json
import re
import urllib.request
from urllib.error import HTTPError

import common

# Where the objects of a kind are listed, by the segment of a path that an id follows.
LISTS = {
    "users": "/api/systemusers",
    "systemusers": "/api/systemusers",
    "systems": "/api/systems",
    "applications": "/api/applications",
    "radiusservers": "/api/radiusservers",
    "commands": "/api/commands",
    "organizations": "/api/organizations",
    "administrators": "/api/users",
    "usergroups": "/api/v2/usergroups",
    "systemgroups": "/api/v2/systemgroups",
    "ldapservers": "/api/v2/ldapservers",
    "activedirectories": "/api/v2/activedirectories",
    "policies": "/api/v2/policies",
    "policygroups": "/api/v2/policygroups",
    "gsuites": "/api/v2/directories",
    "office365s": "/api/v2/directories",
}
DIRECTORIES = {"gsuites": "g_suite", "office365s": "office_365"}
# Good values of the parameters of which documents say no more than that they are text.
TEXTS = {"filter": ["name:eq:x"], "sort": ["name", "-name"]}


class Console:
    """A console that is asked."""

    def __init__(self, url, key):
        self.url, self.key = url, key
        self.headers = {"x-api-key": key, "content-type": "application/json"}
        self.known = {}

    def ask(self, method, path, body=None):
        """Status and content of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self.headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, None

    def ids(self, segment):
        """Some ids of the objects that follow a segment; none when it has no list."""
        if segment not in self.known:
            rows = self.ask("GET", f"{LISTS[segment]}?limit=100")[1] if segment in LISTS else []
            rows = rows["results"] if isinstance(rows, dict) else rows
            kind = DIRECTORIES.get(segment)
            self.known[segment] = [row.get("_id", row.get("id")) for row in rows if kind in (None, row.get("type"))][:5]
        return self.known[segment]


def served(console, base, method, template, operation):
    """The ids that an operation is asked with, by the name of its parameter; None where it is not served."""
    segments, ids = template.split("/"), {}
    for before, segment in zip(segments, segments[1:]):
        if segment.startswith("{"):
            ids[segment.strip("{}")] = console.ids(before)
    if not all(ids.values()):
        return None
    path = re.sub(r"\{(.*?)\}", lambda found: ids[found[1]][0], template)
    body = {} if method == "post" else None
    status, _ = console.ask(method.upper(), base + path, body)
    return None if status in (404, 405) else ids


def narrow(schema, good):
    """Leaves good values alone of a text, or of a list of texts."""
    if schema.get("type") == "array":
        return narrow(schema["items"], good)
    schema.clear()
    schema.update({"type": "string", "enum": good})


def reduce(document, base, console):
    """What a document says of the operations that a console serves."""
    texts = {**TEXTS, "x-org-id": console.ids("organizations")}
    reduced = copy.deepcopy(document)
    reduced["paths"], reduced["servers"] = {}, [{"url": console.url + base}]
    for template, item in document["paths"].items():
        for method, operation in item.items():
            if method not in ("get", "post"):
                continue
            ids = served(console, base, method, template, operation)
            if ids is not None:
                parameters = item.get("parameters", []) + operation.get("parameters", [])
                parameters = [copy.deepcopy(common.resolve(document, parameter)) for parameter in parameters]
                for parameter in parameters:
                    if good := ids.get(parameter["name"]) or texts.get(parameter["name"]):
                        narrow(parameter["schema"], good)
                reduced["paths"].setdefault(template, {})[method] = {**operation, "parameters": parameters}
    return reduced
