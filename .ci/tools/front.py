"""A front before a simulated console that shows each request to Prism and hands it on."""

import contextlib
import http.client
import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import common

# The document of each API, by how its paths begin; the longest first.
APIS = {"/insights/directory/v1": "directory-insights", "/api/v2": "v2", "/api": "v1"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OBJECT_ID = re.compile(r"\b[0-9a-f]{24}\b")
NOT_HANDED_ON = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Server(ThreadingHTTPServer):
    """A server on a free port of this machine, for as long as the process runs."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            if name not in NOT_HANDED_ON:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

    def __getattr__(self, name):
        # One method for all of HTTP's.
        if name.removeprefix("do_") in METHODS:
            return self.serve
        raise AttributeError(name)


class Nothing(Handler):
    """What Prism passes requests on to: nothing."""

    def serve(self):
        self.body()
        self.answer(200, [("content-type", "application/json")], b"{}")


class Front(Server):
    """The front. `prisms` and `documents` are by the name of the document."""

    def __init__(self, prisms, documents):
        super().__init__(Asked)
        self.prisms = prisms
        self.parameters = {name: query_parameters(document) for name, document in documents.items()}
        self.target = self.key = None
        self.requests, self.unpublished = Counter(), Counter()

    def violations(self, method, target, body, headers):
        """What the documents say against a request."""
        prefix = next((prefix for prefix in APIS if target.startswith(prefix + "/")), None)
        if prefix is None:
            return ["no such operation"]
        name, rest = APIS[prefix], target.removeprefix(prefix)
        _, answered, _ = ask(self.prisms[name], method, rest, body, headers)
        violations = json.loads(dict(answered).get("sl-violations", "[]"))
        found = {in_words(violation, headers) for violation in violations if violation["location"][0] == "request"}
        # Parameters that a document does not have Prism lets pass.
        parts = urlsplit(rest)
        for known, path, parameters in self.parameters[name]:
            if known == method and path.fullmatch(parts.path):
                asked = {parameter for parameter, _ in parse_qsl(parts.query, keep_blank_values=True)}
                return sorted(found | {f"no such query parameter: {parameter}" for parameter in asked - parameters})
        return ["no such operation"]


class Asked(Handler):
    """A request to the front."""

    def serve(self):
        front, body, headers = self.server, self.body(), dict(self.headers)
        request = f"{self.command} {OBJECT_ID.sub('{id}', urlsplit(self.path).path)}"
        front.requests[request] += 1
        for how in front.violations(self.command, self.path, body, headers):
            front.unpublished[request, how] += 1
        if self.path == "/oauth2/token":
            return self.answer(200, body=b'{"access_token":"a-token","expires_in":3600}')
        # The simulator does not say the secret of its service account: its key stands for the token.
        if headers.pop("authorization", None):
            headers["x-api-key"] = front.key
        return self.answer(*ask(front.target, self.command, self.path, body, headers))


def ask(address, method, path, body, headers):
    """Sends a request; status, headers and body of the answer."""
    with contextlib.closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        connection.request(method, path, body or None, {**headers, "host": address, "connection": "close"})
        answer = connection.getresponse()
        return answer.status, [(name.lower(), value) for name, value in answer.getheaders()], answer.read()


def in_words(violation, headers):
    """What Prism says against a request, in few words."""
    if violation.get("code") == 401:
        return "signs in by a bearer token" if "authorization" in headers else "signs in without x-org-id"
    place = ".".join(part for part in violation["location"][1:] if not part.isdigit())
    return f"{place}: {violation.get('code') or violation['message']}"


def query_parameters(document):
    """Each operation of a document, and the query parameters that it takes."""
    operations = []
    for template, item in document["paths"].items():
        path = re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(template)))
        for method in METHODS:
            if operation := item.get(method.lower()):
                parameters = item.get("parameters", []) + operation.get("parameters", [])
                parameters = [common.resolve(document, parameter) for parameter in parameters]
                names = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
                operations.append((method, path, names))
    # A path that is spelled out goes before one with a place for an id.
    return sorted(operations, key=lambda operation: operation[1].pattern.count("[^/]+"))
