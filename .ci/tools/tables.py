#!/usr/bin/env python3
"""Scans simulated organisations and reads the exported rows as analysts do: DuckDB, pyarrow and pandas read the folders of ndjson, csv
and Parquet, and LibreOffice, where it is installed, opens the csv. What they find must be the rows. Then the same with texts that
formats stumble over."""

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

# What a format may take for its own sign, for another type, or for the end of a text.
HOSTILE = [
    "=cmd|' /C calc'!A0", "+1+cmd", "-1-cmd", "@SUM(1)", "\t=1", "\r=1", "＝1", '"', '""', 'a"b', "'", "''", "','", ";,|\t", "two\nlines",
    "two\r\nlines", "nul\0nul", "x" * 300, "\U0001f600\U0001f469\u200d\U0001f4bb", "\ufeffmark", "\u202eturned", "\u2028",
    "\x1b[31m", "null", "NULL", "true", "NaN", "\\", "\\N", "{}", "[]", "{\"a\": 1}", " between spaces ", "e\u0301", "\U0010ffff", "#", "--",
]
# The fields in which somebody's names and texts are.
NAMES = {"username", "groupName", "name"}
TEXTS = {"displayName", "email", "department", "description", "employeeId", "os", "serialNumber", "message"}


def modules():
    """The packages, for this process."""
    folder = common.pypi("tables", "duckdb==1.5.6", "pandas==3.1.1", "pyarrow==26.0.1", "pytz==2026.6").parent
    sys.path.append(str(next(folder.glob("lib/python*/site-packages"))))


def plural(kind):
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def truth(path):
    """The rows by the names of their files, without what only says the kind."""
    rows = {kind: [] for kind in KINDS}
    for row in lines(path):
        kind = row.pop("record")
        if kind != "summary":
            rows[plural(kind)].append(row)
    return rows


def lines(path):
    # Only this ends a line of JSON, whatever else a text has.
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def hostile(rows, output):
    """Writes the rows with other names and texts."""
    names, count = {}, 0

    def name(text):
        number = len(names)
        return names.setdefault(text, f"{HOSTILE[number % len(HOSTILE)]}{number}")

    def changed(value, field=""):
        nonlocal count
        if isinstance(value, dict):
            if field == "attributes":
                count += 1
                own = {HOSTILE[(count + at) % len(HOSTILE)]: HOSTILE[(count * 7 + at) % len(HOSTILE)] for at in range(5)}
                return {**value, **own}
            return {member: changed(of, member) for member, of in value.items()}
        if isinstance(value, list):
            return [changed(item, field) for item in value]
        if field in NAMES:
            return name(value)
        if field in TEXTS:
            count += 1
            return HOSTILE[count % len(HOSTILE)]
        return value

    rows = [row if row["record"] == "summary" else changed(row) for row in rows]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    output.write_text(text, encoding="utf-8", newline="")


def unordered(rows):
    """What a store keeps of rows, in no order: evidence is sorted, grants follow from the rest, and NUL is a sign for it."""
    kept = lambda row: {name: value for name, value in row.items() if name not in ("reasons", "links")}
    return sorted(json.dumps(bare(kept(row)), sort_keys=True).replace("\\u0000", "\\ufffd") for row in rows)


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
        # As JSON, in which a number is no truth value.
        if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
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
    frame = pandas.read_parquet(path)
    for field in table.schema:
        if field.name.endswith("At") and field.type != pyarrow.timestamp("us", tz="UTC"):
            yield f"pyarrow, {path.name}: {field.name} is {field.type}"
        if field.name.endswith("At") and str(frame[field.name].dtype) != "datetime64[us, UTC]":
            yield f"pandas, {path.name}: {field.name} is {frame[field.name].dtype}"
        if pyarrow.types.is_string(field.type) and field.name != "attributes":
            found = [None if pandas.isna(value) else value for value in frame[field.name]]
            if found != [row.get(field.name) for row in rows]:
                yield f"pandas, {path.name}: {field.name} differs"
    if len(frame) != len(rows):
        yield f"pandas, {path.name}: {len(frame)} rows instead of {len(rows)}"


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


def shown(text):
    """A text as LibreOffice shows it: a line within a cell ends in one way, and a truth value is in capitals."""
    return "TRUE" if text == "true" else text.replace("\r\n", "\n").replace("\r", "\n")


def spreadsheet(program, folder, rows):
    """Opens the csv of accounts and saves it again, which shows what was in the cells."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            # Commas, quotes and UTF-8, which its dialog proposes for a file that begins with this mark.
            [program, f"-env:UserInstallation=file://{profile}", "--headless", "--infilter=Text - txt - csv (StarCalc):44,34,76",
             "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1", "--outdir", folder / "opened", folder / "csv" / "accounts.csv"],
            check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        )
    with (folder / "opened" / "accounts.csv").open(encoding="utf-8-sig", newline="") as file:
        opened = list(csv.DictReader(file))
    for name in ("username", "displayName"):
        found = [cell(row[name]) for row in opened]
        wanted = [shown(cell(row.get(name, ""))) for row in rows]
        if found != wanted:
            number = next((at for at, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]), "of the end")
            yield f"LibreOffice, accounts.csv: {name} differs in row {number}"


def organisation(seed, program):
    with tempfile.TemporaryDirectory() as folder, common.simulator("--users", str(USERS)) as (url, key):
        folder = Path(folder)
        scan = folder / "scan.ndjson"
        commands = [["scan", "--output", scan], ["scan", "--format", "parquet", "--output", folder / "scanned"]]
        for command, *arguments in commands:
            code, said = common.run_harness(command, url, key, *arguments)
            if code:
                yield f"{command} ended with {code}: {said}"
                return
        yield from exported(folder, scan, program)
        # What an export does not have.
        yield from parquet(folder / "scanned", "grants", truth(scan)["grants"])
        odd = folder / "odd"
        odd.mkdir()
        hostile(lines(scan), odd / "scan.ndjson")
        yield from (f"odd texts: {fault}" for fault in exported(odd, odd / "scan.ndjson", program))


def exported(folder, scan, program):
    """Exports a file of rows into a folder in every format, and reads each."""
    rows = folder / "rows.ndjson"
    for form, output in [("ndjson", rows), *((form, f"{folder / form}/") for form in FORMATS)]:
        ended = subprocess.run(
            [common.harness(), "export", "--from-file", scan, "--format", form, "--output", output],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100,
        )
        if ended.returncode:
            yield f"export as {form} ended with {ended.returncode}: {ended.stderr}"
            return
    rows, scanned = truth(rows), truth(scan)
    for kind in KINDS:
        if kind != "grants" and unordered(rows[kind]) != unordered(scanned[kind]):
            yield f"export, {kind}: the rows differ from those of the scan"
        yield from duckdb_reads(folder, kind, rows[kind])
        yield from parquet(folder / "parquet", kind, rows[kind])
    if program:
        yield from spreadsheet(program, folder, rows["accounts"])


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
