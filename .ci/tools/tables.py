#!/usr/bin/env python3
"""Scans simulated organisations and reads the exported rows as analysts do: DuckDB, pyarrow and pandas read the folders of ndjson, csv
and Parquet, and LibreOffice, where it is installed, opens the csv. What they find must be the rows."""

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import common

KINDS = ["accounts", "groups", "memberships", "resources", "bindings", "grants", "policies"]
FORMATS = ["ndjson", "csv", "parquet"]
USERS = 120


def modules():
    """The packages, for this process."""
    folder = common.pypi("tables", "duckdb==1.5.6", "pandas==3.1.1", "pyarrow==26.0.1", "pytz==2026.6").parent
    sys.path.append(str(next(folder.glob("lib/python*/site-packages"))))


def plural(kind):
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def truth(path):
    """The rows by the names of their files, without what only says the kind."""
    rows = {kind: [] for kind in KINDS}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        kind = row.pop("record")
        if kind != "summary":
            rows[plural(kind)].append(row)
    return rows


def bare(value):
    """A value without what a column has where a row has nothing, and with times in one form."""
    if isinstance(value, dict):
        members = {name: bare(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member not in (None, [], {})}
    if isinstance(value, list):
        return [bare(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="microseconds")
    if isinstance(value, str) and len(value) >= 20 and value[10:11] == "T" and value.endswith("Z"):
        whole, _, parts = value[:-1].partition(".")
        try:
            return bare(datetime.fromisoformat(f"{whole}.{(parts + '000000')[:6]}+00:00"))
        except ValueError:
            return value
    return value


def expected(row):
    """A row as it stands in a file: what its target alone defines is text."""
    attributes = row.get("attributes")
    row = bare({name: value for name, value in row.items() if name != "attributes"})
    return row, attributes


def parted(row):
    attributes = row.pop("attributes", None)
    return bare(row), json.loads(attributes) if attributes else None


def compare(what, found, rows):
    rows = [expected(row) for row in rows]
    if len(found) != len(rows):
        yield f"{what}: {len(found)} rows instead of {len(rows)}"
    for number, (one, other) in enumerate(zip(found, rows)):
        if one != other:
            differing = [name for name in {*one[0], *other[0]} if one[0].get(name) != other[0].get(name)]
            yield f"{what}: row {number} differs in {differing or 'attributes'}"
            return


def cell(value):
    """What stands in a cell of the csv: a sign keeps a spreadsheet from running it."""
    return value[1:] if value.startswith("'") else value


def parquet(folder, kind, rows):
    import pandas
    import pyarrow
    import pyarrow.parquet

    path = folder / f"{kind}.parquet"
    table = pyarrow.parquet.read_table(path)
    yield from compare(f"pyarrow, {path.name}", [parted(row) for row in table.to_pylist()], rows)
    if len(pandas.read_parquet(path)) != len(rows):
        yield f"pandas, {path.name}: another number of rows"
    for field in table.schema:
        if field.name.endswith("At") and field.type != pyarrow.timestamp("us", tz="UTC"):
            yield f"pyarrow, {path.name}: {field.name} is {field.type}"


def duckdb_reads(folder, kind, rows):
    import duckdb

    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")

    def count(source):
        return database.execute(f"select count(*) from {source}").fetchone()[0]

    sources = {form: f"'{folder / form / kind}.{form}'" for form in FORMATS}
    sources["ndjson"] = f"read_json_auto({sources['ndjson']})"
    sources["csv"] = f"read_csv({sources['csv']}, header = true, all_varchar = true)"
    for form, source in sources.items():
        # A file without a row has no column that a reader could find.
        if not rows and form == "ndjson":
            continue
        if (found := count(source)) != len(rows):
            yield f"DuckDB, {kind}.{form}: {found} rows instead of {len(rows)}"
    names = [name for name, *_ in database.execute(f"select * from {sources['parquet']}").description]
    found = [dict(zip(names, row)) for row in database.fetchall()]
    yield from compare(f"DuckDB, {kind}.parquet", [parted(row) for row in found], rows)
    keys = [name for name in ("externalId", "username", "name", "groupExternalId", "groupName") if rows and name in rows[0]]
    wanted = sorted(tuple(row[name] for name in keys) for row in rows)
    for form in FORMATS if keys else []:
        columns = ", ".join(f'cast("{name}" as varchar)' for name in keys)
        found = database.execute(f"select {columns} from {sources[form]}").fetchall()
        found = sorted(tuple((cell if form == "csv" else str)(value or "") for value in row) for row in found)
        if found != (sorted(tuple(map(cell, row)) for row in wanted) if form == "csv" else wanted):
            yield f"DuckDB, {kind}.{form}: {' and '.join(keys)} differ"


def spreadsheet(program, folder, rows):
    """Opens the csv of accounts and saves it again, which shows what was in the cells."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [program, f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to",
             "csv:Text - txt - csv (StarCalc):44,34,76,1", "--outdir", folder / "opened", folder / "csv" / "accounts.csv"],
            check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        )
    with (folder / "opened" / "accounts.csv").open(encoding="utf-8-sig", newline="") as file:
        found = [cell(row["username"]) for row in csv.DictReader(file)]
    if found != [cell(row["username"]) for row in rows]:
        yield "LibreOffice, accounts.csv: the names differ"


def organisation(seed, program):
    with tempfile.TemporaryDirectory() as folder, common.simulator("--users", str(USERS)) as (url, key):
        folder = Path(folder)
        scan, rows = folder / "scan.ndjson", folder / "rows.ndjson"
        commands = [["scan", "--output", scan], ["scan", "--format", "parquet", "--output", folder / "scanned"]]
        for command, *arguments in commands:
            code, said = common.run_harness(command, url, key, *arguments)
            if code:
                yield f"{command} ended with {code}: {said}"
                return
        for form, output in [("ndjson", rows), *((form, f"{folder / form}/") for form in FORMATS)]:
            ended = subprocess.run(
                [common.harness(), "export", "--from-file", scan, "--format", form, "--output", output],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
            )
            if ended.returncode:
                yield f"export as {form} ended with {ended.returncode}: {ended.stderr}"
                return
        exported = truth(rows)
        for kind in KINDS:
            yield from duckdb_reads(folder, kind, exported[kind])
            yield from parquet(folder / "parquet", kind, exported[kind])
        # What an export does not have.
        yield from parquet(folder / "scanned", "grants", truth(scan)["grants"])
        if program:
            yield from spreadsheet(program, folder, exported["accounts"])


def run():
    modules()
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if not program:
        print("skipped: LibreOffice is not installed")
    faults = []
    for number in range(int(common.CASES or 1)):
        common.SEED = str(int(common.SEED) + (number > 0))
        faults += [f"seed {common.SEED}: {fault}" for fault in organisation(common.SEED, program)]
    print(f"tables: {len(KINDS)} kinds of rows in {len(FORMATS)} formats")
    return faults


if __name__ == "__main__":
    common.main(run)
