"""All benchmarks, each in a process of its own, in one table. `--full` takes longer and is steadier."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import orjson
from mendflow.benchmarks.measure import Row, as_json, table

NAMES = ("engine", "durable", "call", "wholerun", "effects", "contract", "cold")


def rows_of(name: str, *, full: bool) -> list[Row]:
    """Run one benchmark and return its rows."""
    script = Path(__file__).with_name(f"{name}.py")
    command = [sys.executable, str(script), "--json", *([] if full else ["--small"])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603  # fixed arguments
    return [Row(**row) for row in orjson.loads(done.stdout)]


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--full", action="store_true", help="many rounds")
    told = parser.parse_args()
    begun = time.perf_counter()
    rows: list[Row] = []
    for name in NAMES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += rows_of(name, full=told.full)
    print(as_json(rows) if told.json else table(rows))
    seconds, load = time.perf_counter() - begun, os.getloadavg()[0]
    note = f"{seconds:.0f} s; load {load:.1f}. Ratios within one run mean something, absolutes do not."
    print(note, file=sys.stderr)


if __name__ == "__main__":
    main()
