#!/usr/bin/env python3
"""Runs the commands of the pages for operators that work as they are: their blocks marked `sh`, in order, page by page."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import common

PAGES = common.ROOT / "docs" / "operations"


def blocks(page):
    """The blocks of a page that are run."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def faults_of(page, path):
    """What goes wrong when the blocks of a page are run one after the other in one folder."""
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks(page):
            ended = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block], cwd=folder, env={**os.environ, "PATH": path},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
            )
            if ended.returncode or ended.stderr:
                faults.append(f"{page.name}: {block.strip()}\n{ended.stderr.strip()} (ended with {ended.returncode})")
    return faults


def run():
    if not shutil.which("jq"):
        raise common.Skipped("jq is not on this machine")
    pages = [page for page in sorted(PAGES.glob("*.md")) if blocks(page)]
    if not pages:
        return ["no page has a command that is run"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "harness").symlink_to(common.harness())
        path = f"{folder}:{os.environ['PATH']}"
        faults = [fault for page in pages for fault in faults_of(page, path)]
    print(f"pages: {sum(len(blocks(page)) for page in pages)} blocks of {len(pages)} pages")
    return faults


if __name__ == "__main__":
    common.main(run)
