"""The commands with which a person decides: approve, resolve, pause."""

import asyncio
from datetime import timedelta
from pathlib import Path

import orjson
from pydantic import JsonValue

from ..connectors.contract import JsonObject
from ..connectors.errors import InvalidUse, StoreError
from ..graph.engine.approvals import decide_approval
from ..graph.engine.resolutions import Resolution, resolve_effect
from ..journal.home import Home
from ..journal.sqlite import SqliteStore
from ..journal.switch import KillSwitch
from ..journal.vault import Vault
from ..verifier.effect import Decision
from .exits import COMPLETED
from .ports import opened
from .progress import quiet
from .screen import say, warn
from .showing import events_of, existing_home

_SAID: dict[Decision, str] = {
    "done": "Recorded as done",
    "refused": "Given up",
    "resend": "To be sent once more",
}


def record_approval(run_id: str, step: str, deny: str, by: str, home_folder: Path) -> int:
    """Write down whether a waiting step may go on."""
    home = existing_home(home_folder)
    events_of(home_folder, run_id)  # refuses a run that does not exist

    async def work() -> str:
        async with opened(home, quiet) as ports:
            decision: JsonObject = {"approved": not deny, "by": by, "reason": deny}
            return await decide_approval(home, ports.store, ports.clock, run_id, step, decision)

    path = asyncio.run(work())
    say(f"{'Denied' if deny else 'Approved'}: `{path}`. Go on with: mendflow resume {run_id}")
    return COMPLETED


def record_resolution(run_id: str, effect: str, resolution: Resolution, home_folder: Path) -> int:
    """Write down what a person found out about a parked effect."""
    home = existing_home(home_folder)
    events_of(home_folder, run_id)  # refuses a run that does not exist

    async def work() -> str:
        async with opened(home, quiet) as ports:
            return await resolve_effect(home, ports.store, ports.clock, run_id, effect, resolution)

    path = asyncio.run(work())
    say(f"{_SAID[resolution.decision]}: `{path}`. Go on with: mendflow resume {run_id}")
    return COMPLETED


def decision_of(*, done: bool, refused: bool, resend: bool) -> Decision:
    """Return the one decision that was given. Raises InvalidUse."""
    given: list[Decision] = []
    if done:
        given.append("done")
    if refused:
        given.append("refused")
    if resend:
        given.append("resend")
    if len(given) != 1:
        raise InvalidUse(
            f"{len(given)} decisions were given, expected one.",
            help="Give one of `--done` (it took place), `--refused` (give it up), `--resend` (it did not take place).",
        )
    return given[0]


def output_of(text: str, decision: Decision) -> JsonValue:
    """Read `--output`. Raises InvalidUse where it is no JSON, or where the call is said to have returned nothing."""
    if not text:
        return None
    if decision != "done":
        raise InvalidUse(
            f"`--output` was given with `--{decision}`: only a call that took place has returned something.",
            help="Leave `--output` out, or give `--done`.",
        )
    try:
        value: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidUse(
            f"`--output` is not JSON: {error}.", help='Write for example `--output \'{"uuid": "…"}\'`.'
        ) from error
    return value


def switch(connection: str, *, off: bool, by: str, reason: str, home_folder: Path) -> int:
    """Pause a connection, let it go on, or list what is paused. Raises InvalidUse where there is no home."""
    home = existing_home(home_folder)
    kill = KillSwitch(home.folder)
    if not connection:
        paused = kill.all()
        for why in paused.values():
            say(why)
        if not paused:
            say("Nothing is paused.")
    elif off:
        was_paused = kill.release(connection)
        say(f"`{connection}` goes on." if was_paused else f"`{connection}` was not paused.")
    else:
        kill.pause(connection, by=by, reason=reason)
        say(
            f"`{connection}` is paused: nothing leaves for it from now on, in any run of the home"
            f" `{home.folder.resolve()}`. Let it go on with: mendflow pause {connection} --off"
        )
        doubt = _doubt_about(connection, home)
        if doubt:
            warn(doubt)
    return COMPLETED


def _doubt_about(connection: str, home: Home) -> str:
    """Say what speaks against a name that was paused; the pause stands whatever the journal says."""

    async def read() -> list[str]:
        async with SqliteStore(home.database, Vault(), patience=timedelta(seconds=1)) as store:
            return await store.connections()

    try:
        names = asyncio.run(read())
    except StoreError as error:
        return f"Whether a run here has a connection `{connection}` could not be looked up: {error.message}"
    if connection in names:
        return ""
    there = ", ".join(f"`{name}`" for name in names) or "none"
    return f"No run here has a connection `{connection}`; there are: {there}."
