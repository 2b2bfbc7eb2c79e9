"""Cold start: CPU seconds of whole child processes, and of importing langgraph beside them."""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from mendflow.benchmarks.durable import opened, run_once
from mendflow.benchmarks.measure import Row, main
from mendflow.benchmarks.workload import SIX_STEPS, plan_of

WORKFLOW = Path(__file__).parent.parent / "configs" / "win-back.yaml"
PROBE = (
    "import sys\nfrom mendflow.service.cli import main\n"
    "try: main(sys.argv[1:])\nfinally: print('langgraph' in sys.modules, file=sys.stderr)"
)


def _child(arguments: Sequence[str]) -> float:
    """Return the CPU seconds of one child process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)  # noqa: S603  # fixed arguments
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _loads_langgraph(arguments: Sequence[str]) -> bool:
    command = [sys.executable, "-c", PROBE, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # fixed arguments
    return done.stderr.strip().endswith("True")


async def _recorded(folder: Path) -> str:
    async with opened(folder) as ports:
        return (await run_once(ports, plan_of(SIX_STEPS))).run_id


def measure(small: bool) -> list[Row]:  # noqa: FBT001  # told by the script's switch
    """Measure each command and the import in turn; the best of n decides, the median is shown."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    with tempfile.TemporaryDirectory() as home:
        run_id = asyncio.run(_recorded(Path(home)))
        commands = {
            "--help": (["--help"], 0.3),
            "validate": (["validate", str(WORKFLOW)], 0.6),
            "show": (["show", run_id, "--home", home], 0.6),
        }
        peer = ["-c", "import langgraph.graph"]
        found: dict[str, list[float]] = {name: [] for name in (*commands, "peer")}
        for _ in range(4 if small else 9):
            for name, (arguments, _) in commands.items():
                found[name].append(_child(["-m", "mendflow", *arguments]))
            found["peer"].append(_child(peer))
        heavy = {name: _loads_langgraph(arguments) for name, (arguments, _) in commands.items()}
    theirs = min(found["peer"])
    return [
        Row(
            f"cold `{name}`, best of n (median {median(found[name]):.2f} s); peer: import langgraph.graph"
            + (" [loads langgraph]" if heavy[name] else ""),
            f"{min(found[name]):.2f} s",
            f"{theirs:.2f} s",
            min(found[name]) / theirs,
            f"<= {limit} s, no langgraph",
            min(found[name]) <= limit and not heavy[name],
        )
        for name, (_, limit) in commands.items()
    ]


if __name__ == "__main__":
    main(__doc__, measure)
