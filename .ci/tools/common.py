"""What the tools of others share: their packages, the harness, the simulator, and lists of what is known to differ."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "target" / "tools"
DOCUMENTS = Path(os.environ.get("DOCUMENTS", ROOT.parent / "shared" / "specs" / "2026-08"))
SEED = os.environ.get("SEED", "1")
CASES = os.environ.get("CASES")
# How long a package registry may take.
PATIENCE = 120
# How often an installation is tried, since a registry may be out of reach for a moment.
INSTALLATIONS = 2
# How long a process may take until it is ready, in seconds.
READY_WITHIN = 60


class Skipped(Exception):
    """What a tool reads, or a program of the machine, is not here."""


class NotInstalled(Skipped):
    """A package cannot be had from its registry: a skip, and with REQUIRE_TOOLS=1 a fault."""


def main(run):
    """Runs a tool: 0 when nothing is wrong, 1 when something is, 77 when it is skipped."""
    # Ended from outside, a tool still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        faults = run()
    except NotInstalled as why:
        if os.environ.get("REQUIRE_TOOLS") == "1":
            sys.exit(f"FAULT: {why}, and REQUIRE_TOOLS=1")
        print(f"SKIPPED: {why}")
        sys.exit(77)
    except Skipped as why:
        print(f"SKIPPED: {why}")
        sys.exit(77)
    for fault in faults:
        print(f"FAULT: {fault}")
    sys.exit(1 if faults else 0)


def document(name):
    """One of JumpCloud's published documents."""
    path = DOCUMENTS / f"{name}.yaml"
    if not path.is_file():
        raise Skipped(f"JumpCloud's published documents are not at hand ({name}.yaml)")
    return path


def load(path):
    """A document in YAML."""
    folder = pypi("yaml", "PyYAML==6.0.3").parent
    sys.path.append(str(next(folder.glob("lib/python*/site-packages"))))
    import yaml

    return yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def resolve(document, value):
    """What a value of a document is, where it is a reference."""
    while "$ref" in value:
        path = value["$ref"].removeprefix("#/").split("/")
        value = document
        for step in path:
            value = value[unquote(step).replace("~1", "/").replace("~0", "~")]
    return value


def git(*arguments):
    """What git says of the project; nothing where this is no working copy of it."""
    try:
        ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return None
    return ended.stdout if ended.returncode == 0 else None


def files():
    """The names of the project's files: those that git has or would add, or all but what was built."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is not None:
        names = sorted(filter(None, listed.split("\0")))
    else:
        built = {".git", "target", "__pycache__"}
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_symlink() or path.is_file())
        names = sorted(str(path) for path in found if not built.intersection(path.parts))
    return [name for name in names if os.path.lexists(ROOT / name)]


def install(name, packages, command):
    """A folder of packages, installed once for each set of versions."""
    mark = hashlib.sha256("\n".join(packages).encode()).hexdigest()[:12]
    folder = PLACE / f"{name}-{mark}"
    if not (folder / "whole").exists():
        for attempt in range(1, INSTALLATIONS + 1):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                command(folder)
                break
            except (OSError, subprocess.SubprocessError) as error:
                output = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
                if attempt == INSTALLATIONS or isinstance(error, FileNotFoundError):
                    why = output[-1] if output else error
                    raise NotInstalled(f"{' '.join(packages)} cannot be had: {why}") from error
        (folder / "whole").touch()
    return folder


def quietly(*command, cwd=None):
    """A command that an installation is made of."""
    subprocess.run(command, cwd=cwd, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, capture_output=True)


def pypi(name, *packages, options=()):
    """The folder of the programs of packages from PyPI, in an environment of their own."""

    def command(folder):
        quietly(sys.executable, "-m", "venv", folder)
        quietly(folder / "bin" / "pip", "install", "--disable-pip-version-check", *options, *packages)

    return install(name, packages, command) / "bin"


def npm(name, *packages):
    """The folder of packages from npm; their programs stand in `node_modules/.bin`."""

    def command(folder):
        # Only what the registry holds: no script of a package runs.
        quietly("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *packages, cwd=folder)

    return install(name, packages, command)


def harness():
    """The harness: the one that the variable HARNESS names, or a release build."""
    named = os.environ.get("HARNESS")
    if named:
        return Path(named).resolve()
    subprocess.run(["cargo", "build", "--quiet", "--release", "-p", "test-harness", "--all-features"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "harness"


@contextlib.contextmanager
def process(*command, ready, **options):
    """A process that is there while it is needed, and what it says when it is ready."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
    child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, **options)
    # Its end also ends the wait for its next line.
    deadline = threading.Timer(READY_WITHIN, child.kill)
    deadline.start()
    try:
        said = []
        for line in child.stdout:
            said.append(line)
            found = re.search(ready, line)
            if found:
                deadline.cancel()
                yield child, found
                return
        raise RuntimeError(f"{command[0]} is not ready: no line has {ready!r} in:\n{''.join(said)}")
    finally:
        deadline.cancel()
        child.terminate()
        child.wait(timeout=30)


@contextlib.contextmanager
def simulator(*arguments):
    """The URL and the key of a simulated console."""
    key = "jca_" + hashlib.sha256(SEED.encode()).hexdigest()[:36]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(key)
        file.flush()
        command = [harness(), "simulate", "--seed", SEED, "--api-key-file", file.name, *arguments]
        with process(*command, ready=r"listening on (http://\S+)") as (_, found):
            yield found[1], key


def run_harness(command, url, key, *arguments):
    """Runs a command of the harness on what listens at a URL; its exit code and what it said."""
    environment = {**os.environ, "ORBISID_CREDENTIAL_PASSWORD": key, "NO_PROXY": "127.0.0.1"}
    ended = subprocess.run(
        [harness(), command, "--hostname", url, *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
    )
    return ended.returncode, ended.stdout + ended.stderr


def known(path):
    """A list of what is known to differ: `what | how | why` a line."""
    lines = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            parts = [part.strip() for part in line.split(" | ")]
            if len(parts) != 3 or not all(parts):
                raise SystemExit(f"{path}:{number}: not `what | how | why`")
            lines[parts[0], parts[1]] = parts[2]
    return lines
