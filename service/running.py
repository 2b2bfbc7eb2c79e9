"""The commands that run: start, resume, decide."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import typer

from ..agents.chat import check_model
from ..agents.models import open_model
from ..connectors.clock import SystemClock
from ..connectors.contract import ConnectionSettings, Connector, JsonObject
from ..connectors.errors import InvalidUse
from ..connectors.opening import open_connector
from ..graph.engine.approvals import decide_approval
from ..graph.engine.context import Progress
from ..graph.engine.models import model_names, with_model
from ..graph.engine.run import Order, Ports, resume, start
from ..graph.engine.summary import RunResult
from ..graph.language.compiler import check_inputs
from ..graph.language.plan import Plan
from ..journal.export import write_trace
from ..journal.home import Home
from ..journal.sqlite import SqliteStore
from ..journal.vault import Vault
from .exits import CANCELLED, COMPLETED, OF_STATUS
from .logs import log_to_stderr
from .narration import narrate
from .pins import order_of, plan_of
from .progress import Report, quiet, watching
from .render import print_result
from .showing import events_of, existing_home
from .workflows import load_plan
from .worlds import World, again, at_url, check_faults, chosen, real


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `mendflow run` was told."""

    file: Path
    inputs: tuple[str, ...]
    sandbox: str | None
    faults: tuple[str, ...]
    model: str
    trace: Path | None


def run_workflow(options: RunOptions, home_folder: Path, *, as_json: bool) -> int:
    """Run a workflow and print what became of it."""
    plan = load_plan(options.file)
    inputs = check_inputs(plan, _pairs(options.inputs))
    model = options.model or ("offline" if options.sandbox is not None else "")
    _check_order(plan, options, model)
    home = Home(home_folder)
    home.prepare()

    async def work(report: Report) -> RunResult:
        async with (
            chosen(plan, home, options.sandbox, options.faults) as world,
            opened(home, report) as ports,
        ):
            order = Order(plan, inputs, settled(world), world.pinned, model)
            return await _traced(ports, await start(ports, order), options.trace)

    return _watched(work, as_json=as_json)


def resume_run(run_id: str, home_folder: Path, *, as_json: bool) -> int:
    """Go on with a run and print what became of it."""
    home = existing_home(home_folder)

    async def work(report: Report) -> RunResult:
        async with opened(home, report) as ports:
            events = await ports.store.events(run_id)
            if not events:
                raise InvalidUse(f"There is no run `{run_id}`.", help="`mendflow runs` lists them.")
            pinned = events[0].body
            order = order_of(pinned, plan_of(pinned))
            async with again(order.world, order.connections, home) as world:
                order = replace(order, connections=world.connections)
                return await _traced(ports, await resume(ports, run_id, lambda _: order), None)

    return _watched(work, as_json=as_json)


def record_approval(run_id: str, step: str, deny: str, by: str, home_folder: Path) -> int:
    """Write a person's decision down."""
    home = existing_home(home_folder)
    events_of(home_folder, run_id)  # refuses a run that does not exist

    async def work() -> str:
        async with opened(home, quiet) as ports:
            decision: JsonObject = {"approved": not deny, "by": by, "reason": deny}
            return await decide_approval(home, ports.store, ports.clock, run_id, step, decision)

    path = asyncio.run(work())
    typer.echo(f"{'Denied' if deny else 'Approved'}: `{path}`. Go on with: mendflow resume {run_id}")
    return COMPLETED


@asynccontextmanager
async def opened(home: Home, report: Report) -> AsyncIterator[Ports]:
    """Open the journal and bind the ports to this machine."""
    vault, clock = Vault(), SystemClock()
    log_to_stderr(os.environ.get("MENDFLOW_LOG", "error"), vault, as_json=not sys.stderr.isatty())

    def connector(settings: ConnectionSettings) -> Connector:
        return open_connector(settings, clock, vault.learn)

    async with SqliteStore(home.database, vault) as store:
        yield Ports(
            home=home,
            store=store,
            vault=vault,
            clock=clock,
            open_connector=connector,
            open_model=open_model,
            report=lambda progress: _tell(progress, report),
        )


def _tell(progress: Progress, report: Report) -> None:
    """Tell the log, then whoever watches."""
    narrate(progress)
    report(progress)


def settled(world: World) -> dict[str, ConnectionSettings]:
    """Return the connections with their folders made absolute, so that a resume from elsewhere finds them."""
    return {
        name: one.model_copy(update={"folder": str(Path(one.folder).resolve())}) if one.folder else one
        for name, one in world.connections.items()
    }


def _check_order(plan: Plan, options: RunOptions, model: str) -> None:
    """Raise InvalidUse for whatever would stop the run at its start, before anything is written."""
    check_faults(options.sandbox, options.faults)
    if options.sandbox != "":  # the sandbox that we start brings its own key
        asyncio.run(_check_connections(plan, options.sandbox))
    for name in model_names(with_model(plan, model) if model else plan):
        check_model(name)
    if options.trace:
        _check_trace(options.trace)


async def _check_connections(plan: Plan, sandbox: str | None) -> None:
    """Open each connection and close it again; nothing is sent."""
    async with AsyncExitStack() as stack:
        found = real(plan.connections) if sandbox is None else at_url(plan.connections, sandbox.rstrip("/"))
        world = await stack.enter_async_context(found)
        for settings in world.connections.values():
            await stack.enter_async_context(open_connector(settings, SystemClock(), Vault().learn))


def _check_trace(path: Path) -> None:
    """Raise InvalidUse before the run, not after it, where the trace could not be written."""
    folder = next(one for one in path.absolute().parents if one.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidUse(
            f"The trace `{path}` cannot be written there.", help="Give another path with `--trace`."
        )


async def _traced(ports: Ports, result: RunResult, trace: Path | None) -> RunResult:
    path = trace or ports.home.traces / f"{result.run_id}.jsonl"
    write_trace(path, await ports.store.events(result.run_id))
    return result.model_copy(update={"trace": str(path)})


def _watched(work: Callable[[Report], Awaitable[RunResult]], *, as_json: bool) -> int:
    """Run with somebody watching, print the result, return its exit code."""

    async def whole() -> RunResult:
        with watching(as_json=as_json) as report:
            return await work(report)

    try:
        result = asyncio.run(whole())
    except KeyboardInterrupt:
        typer.echo("Interrupted. `mendflow runs` lists what can be resumed.", err=True)
        return CANCELLED
    if as_json:
        typer.echo(orjson.dumps(result.model_dump(mode="json")).decode())
    else:
        print_result(result)
    return OF_STATUS[result.status]


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise InvalidUse(f"`--input {text}` is not NAME=VALUE.", help="Write `--input name=value`.")
        pairs[name] = value
    return pairs
