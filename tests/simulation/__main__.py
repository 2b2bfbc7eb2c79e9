"""The long run: `make simulate EFFECTS=1000000 [SEED=1]`, or one world again by its seed.

Prints what was found as a table, or with `--json` as one document; exits 1 on a violation.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import orjson

from tests.simulation.campaign import (
    ALL,
    SIZE,
    Finding,
    Tally,
    WorldName,
    campaign,
    live_through,
    names,
    simulated,
    trace_of,
)
from tests.simulation.mixes import NAMED
from tests.simulation.shape import DRAWN

MILLION = 1_000_000


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    options = _options()
    mix: str = options.mix
    if options.world is not None:
        findings = [_again(next(names(mix, options.world, options.size)), options.trace)]
    else:
        findings = _many(options.effects, mix, options.seed, options.size, options.workers)
    tally: Tally = Counter()
    for finding in findings:
        tally.update(finding.tally)
    violations = [(finding.name, text) for finding in findings for text in finding.violations]
    if options.json:
        rows: dict[str, dict[str, int]] = {}
        for (table, row), number in sorted(tally.items()):
            rows.setdefault(table, {})[row] = number
        broken = [{"world": name.command, "violation": text} for name, text in violations]
        sys.stdout.write(orjson.dumps({**rows, "violations": broken}).decode() + "\n")
    else:
        _print(tally, len(violations))
    return 1 if violations else 0


def _many(effects: int, mix: str, first: int, size: int, workers: int) -> list[Finding]:
    """Live through worlds until so many effects were intended."""
    findings: list[Finding] = []
    seen = 0
    for finding in campaign(names(mix, first, size), workers):
        findings.append(finding)
        seen += sum(times for (table, _), times in finding.tally.items() if table == "effects")
        _tell(finding)
        if len(findings) % 100 == 0:
            sys.stderr.write(f"{seen} effects in {len(findings)} worlds\n")
        if seen >= effects:
            break
    return findings


def _again(name: WorldName, trace: Path | None) -> Finding:
    finding = live_through(name)
    _tell(finding)
    sys.stderr.write(f"{name.command}: trace {finding.digest}\n")
    if trace is not None:
        with simulated(name) as simulation:
            trace.write_text("".join(f"{line}\n" for line in trace_of(simulation)), encoding="utf-8")
    return finding


def _tell(finding: Finding) -> None:
    """Say at once what must never be, and how to see it again."""
    for violation in finding.violations:
        sys.stderr.write(f"VIOLATION {violation}\n  seed {finding.name.seed}: {finding.name.command}\n")


def _print(tally: Tally, violations: int) -> None:
    sums: Counter[str] = Counter()
    for (table, _), number in tally.items():
        sums[table] += number
    for table in ("worlds", "runs", "lives", "requests", "replays"):
        _say(f"{table:<10}{sums[table]:>10}")
    for table in ("faults", "heals", "deaths"):
        _say(f"\n{table}, {sums[table]} in all")
        for row, number in sorted(_rows(tally, table), key=lambda pair: -pair[1]):
            _say(f"  {row:<44}{number:>10}")
    _say("\nmix and effect class              effects    parked  per million  behind another run")
    for row, number in sorted(_rows(tally, "effects")):
        left, behind = tally["parked", row], tally["behind", row]
        _say(f"  {row:<30}{number:>10}{left:>10}{left / number * MILLION:>13.0f}{behind:>20}")
    _say(f"\n{sums['effects']} effects, {violations} violations")


def _rows(tally: Tally, wanted: str) -> list[tuple[str, int]]:
    return [(row, number) for (table, row), number in tally.items() if table == wanted]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--effects", type=int, default=20_000, help="how many effects to intend")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first world; the others follow")
    parser.add_argument("--mix", choices=(ALL, DRAWN, *NAMED), default=ALL, help="how much goes wrong")
    parser.add_argument("--size", type=int, default=SIZE, help="effects of a world")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--world", type=int, help="live through this one world again")
    parser.add_argument("--trace", type=Path, help="where to write that world's trace")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
