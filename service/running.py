"""The commands that run: start, and resume."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ..agents.chat import check_model
from ..connectors.clock import SystemClock
from ..connectors.contract import ConnectionSettings, JsonObject
from ..connectors.errors import InvalidUse, MendflowError, RunExists
from ..connectors.opening import open_connector
from ..graph.engine.context import Progress
from ..graph.engine.models import model_names, with_model
from ..graph.engine.run import Order, Ports, resume, start
from ..graph.engine.summary import RunResult, summarise
from ..graph.language.compiler import check_inputs
from ..graph.language.plan import Plan
from ..journal.export import write_trace
from ..journal.home import Home
from ..journal.vault import Vault
from .exits import CANCELLED, COMPLETED, INTERRUPTED, INVALID, OF_STATUS
from .notify import credentials_of, news_of, notify
from .pins import order_of, plan_of
from .ports import opened
from .progress import Report, watching
from .render import print_overview, print_result
from .screen import say_json, warn
from .showing import existing_home, find_events, interrupted, runs_of
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
    once_key: str = ""
    """Names the start: a second start under the same key goes on with the first one's run, or shows it."""


def run_workflow(options: RunOptions, home_folder: Path, *, as_json: bool) -> int:
    """Run a workflow and print what became of it."""
    plan = load_plan(options.file)
    inputs = check_inputs(plan, pairs_of(options.inputs))
    model = options.model or ("offline" if options.sandbox is not None else "")
    home = Home(home_folder)
    run_id = once_id(plan, options.once_key) if options.once_key else ""
    if run_id and _is_started(home, run_id, plan, inputs, _world_name(options.sandbox)):
        warn(f"Started before under this key: run `{run_id}`.")
        return resume_run(run_id, home_folder, as_json=as_json)
    _check_order(plan, options, model)
    home.prepare()

    async def work(report: Report) -> RunResult:
        async with (
            chosen(plan, home, options.sandbox, options.faults) as world,
            opened(home, report) as ports,
        ):
            order = Order(plan, inputs, settled(world), world.pinned, model)
            named = replace(ports, new_id=lambda: run_id) if run_id else ports
            return await _closed(ports, plan, await start(named, order), options.trace)

    _tell_interrupted(home)
    try:
        return _watched(work, home, as_json=as_json)
    except RunExists:  # another start under the same key was quicker
        return resume_run(run_id, home_folder, as_json=as_json)


def once_id(plan: Plan, key: str) -> str:
    """Return the id of the one run that a workflow may have under a key."""
    name = f"{plan.name}\0{key}".encode()
    return f"once-{hashlib.sha256(name).hexdigest()[:16]}"


def _is_started(home: Home, run_id: str, plan: Plan, inputs: JsonObject, world: str) -> bool:
    """Tell whether the run exists. Raises InvalidUse where it was started for something else.

    What was tried on the sandbox is not done at the vendor, and an edited workflow is another job.
    """
    if not home.database.exists():
        return False
    events = find_events(home.folder, run_id)
    if not events:
        return False
    begun = events[0].body
    differences = {
        "with other inputs": begun.get("inputs") != inputs,
        "with another text of the workflow or its files": begun.get("files") != plan.files,
        "in another world (the vendor, the sandbox, or a sandbox at a URL)": _pinned_world(begun) != world,
    }
    different = [what for what, is_so in differences.items() if is_so]
    if different:
        raise InvalidUse(
            f"The key of `--once-key` was used before, {' and '.join(different)}: run `{run_id}`.",
            help=f"Give another key for this start; `mendflow show {run_id}` shows the other run.",
        )
    return True


def _world_name(sandbox: str | None) -> str:
    """Name the world that `--sandbox` asks for; empty for the vendor's."""
    if sandbox is None:
        return ""
    return sandbox.rstrip("/") or "child"


def _pinned_world(begun: JsonObject) -> str:
    world = begun.get("world")
    return str(world.get("sandbox") or "") if isinstance(world, dict) else ""


def resume_run(run_id: str, home_folder: Path, *, as_json: bool) -> int:
    """Go on with a run and print what became of it."""
    home = existing_home(home_folder)

    async def work(report: Report) -> RunResult:
        async with opened(home, report) as ports:
            return await _taken_up(ports, run_id)

    return _watched(work, home, as_json=as_json)


def resume_all(home_folder: Path, *, as_json: bool) -> int:
    """Go on with every run whose process died, one after the other, and print what became of each.

    One that cannot be taken up, for want of its key for example, keeps none of the others waiting.
    """
    home = existing_home(home_folder)
    run_ids = interrupted(home)
    _tell_cancelled(home)
    results: list[RunResult] = []
    errors: dict[str, MendflowError] = {}

    async def work(report: Report) -> None:
        async with opened(home, report) as ports:
            for run_id in run_ids:
                try:
                    results.append(await _taken_up(ports, run_id))
                except MendflowError as error:
                    errors[run_id] = error

    def shown() -> int:
        for run_id, error in errors.items():
            warn(f"{run_id}: {error.message} {error.help}".rstrip())
        if as_json:
            say_json([*_documents(results, errors)])
        else:
            print_overview(results)
        codes = [OF_STATUS[one.status] for one in results]
        return max([*codes, *([INVALID] if errors else [])], default=COMPLETED)

    return _watch(work, results, shown, home, as_json=as_json)


def _documents(results: list[RunResult], errors: dict[str, MendflowError]) -> Iterator[JsonObject]:
    for result in results:
        plain: JsonObject = result.model_dump(mode="json")
        yield plain
    for run_id, error in errors.items():
        told: JsonObject = {"code": error.code, "message": error.message, "help": error.help}
        yield {"run_id": run_id, "error": told}


def _tell_interrupted(home: Home) -> None:
    """Say, before a new run, that earlier ones stand open."""
    run_ids = interrupted(home) if home.database.exists() else []
    if run_ids:
        warn(f"Interrupted earlier: {_named(run_ids)}. `mendflow resume --all` takes them up.")


def _tell_cancelled(home: Home) -> None:
    """Say which runs `--all` leaves alone: what a person stopped no timer may start again."""
    run_ids = runs_of(home, "cancelled")
    if run_ids:
        told = f"Stopped with Ctrl-C and not taken up: {_named(run_ids)}."
        warn(f"{told} Go on with one: mendflow resume {run_ids[-1]}")


def _named(run_ids: list[str]) -> str:
    """Return the first three, which are enough to read, and how many there are besides."""
    more = f" and {len(run_ids) - 3} more" if len(run_ids) > 3 else ""  # noqa: PLR2004  # as said
    return ", ".join(f"`{run_id}`" for run_id in run_ids[:3]) + more


async def _taken_up(ports: Ports, run_id: str) -> RunResult:
    """Resume a run in the world it was started in."""
    events = await ports.store.events(run_id)
    if not events:
        raise InvalidUse(f"There is no run `{run_id}`.", help="`mendflow runs` lists them.")
    ports.home.refuse_if_owned(run_id)  # before its sandbox: that one belongs to the process which runs it
    pinned = events[0].body
    plan = plan_of(pinned)
    order = order_of(pinned, plan)
    async with again(order.world, order.connections, ports.home) as world:
        order = replace(order, connections=world.connections)
        return await _closed(ports, plan, await resume(ports, run_id, lambda _: order), None)


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


async def _closed(ports: Ports, plan: Plan, result: RunResult, trace: Path | None) -> RunResult:
    """Call for a person where the workflow says how, and write the trace; what fails of it changes no result."""
    if result.status == "parked" and plan.on_park is not None:
        trouble = await notify(plan.on_park, news_of(result), ports.vault, hidden=credentials_of(plan))
        if trouble:
            warn(f"Nobody was told of the parked run: {trouble}")
    path = trace or ports.home.traces / f"{result.run_id}.jsonl"
    try:
        write_trace(path, await ports.store.events(result.run_id))
    except InvalidUse as error:
        warn(f"{error.message} The run and its journal are whole.")
        return result
    return result.model_copy(update={"trace": str(path)})


def _watched(work: Callable[[Report], Awaitable[RunResult]], home: Home, *, as_json: bool) -> int:
    """Run with somebody watching, print the result, return its exit code."""
    results: list[RunResult] = []

    async def whole(report: Report) -> None:
        results.append(await work(report))

    def shown() -> int:
        result = results[-1]
        if as_json:
            say_json(result.model_dump(mode="json"))
        else:
            print_result(result)
        return OF_STATUS[result.status]

    return _watch(whole, results, shown, home, as_json=as_json)


def _watch(
    work: Callable[[Report], Awaitable[None]],
    results: list[RunResult],
    shown: Callable[[], int],
    home: Home,
    *,
    as_json: bool,
) -> int:
    """Work with somebody watching, then show what came of it and return the exit code.

    Ctrl-C names the run that was at work; where none was yet, KeyboardInterrupt is raised.
    """
    begun: list[str] = []

    async def whole() -> None:
        with watching(as_json=as_json) as report:

            def noting(progress: Progress) -> None:
                if progress.kind == "run_started":
                    begun.append(progress.path)
                report(progress)

            await work(noting)

    try:
        asyncio.run(whole())
    except KeyboardInterrupt:
        if not begun:
            raise
        stopped = summarise(find_events(home.folder, begun[-1]))
        warn(_stopped_line(stopped))
        if as_json:
            results.append(stopped)
            shown()
        return CANCELLED
    return shown()


def _stopped_line(result: RunResult) -> str:
    run_id = result.run_id
    if result.status in ("completed", "failed"):
        return f"Interrupted after run `{run_id}` had ended: {result.status}. See it with: mendflow show {run_id}"
    status = (
        INTERRUPTED if result.status == "running" else result.status
    )  # a second Ctrl-C left no time to say so
    return f"Interrupted: run `{run_id}` is {status}. Go on with: mendflow resume {run_id}"


def pairs_of(texts: tuple[str, ...]) -> dict[str, str]:
    """Read what `--input` was given. Raises InvalidUse."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise InvalidUse(f"`--input {text}` is not NAME=VALUE.", help="Write `--input name=value`.")
        if name in pairs:
            raise InvalidUse(f"The input `{name}` was given twice.", help="Give each input once.")
        pairs[name] = value
    return pairs
