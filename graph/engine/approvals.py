"""A person's decision, written where the waiting step will look for it."""

from pydantic import JsonValue

from ...connectors.contract import Clock, JsonObject
from ...connectors.errors import InvalidUse
from ...journal.events import EventDraft, fact_body, fact_key
from ...journal.home import Home
from ...journal.store import Store
from .summary import PersonsWord, summarise


async def decide_approval(
    home: Home, store: Store, clock: Clock, run_id: str, step: str, decision: JsonObject
) -> str:
    """Record `{"approved", "by", "reason"}` for a waiting step and return its path.

    An empty `step` means the only one that waits. Raises InvalidUse when none does, several do, or somebody has
    decided already.
    """
    with home.owning(run_id):
        summary = summarise(await store.events(run_id))
        pending = [path for entry in summary.waiting for path in _paths(entry)]
        words = {word.path: word for word in summary.decisions if word.is_open and word.path in pending}
        undecided = [path for path in pending if path not in words]
        earlier = words.get(step) if step or undecided else next(iter(words.values()), None)
        if earlier is not None:
            raise decided_already(run_id, earlier)
        path = _chosen(undecided, step, run_id)
        key = fact_key(path, 0, "approval")
        event = EventDraft(
            kind="fact_recorded", key=key, at=clock.now(), body=fact_body({"path": path}, decision)
        )
        await store.append(await store.owner_of(run_id), event)
        return path


def decided_already(run_id: str, word: PersonsWord) -> InvalidUse:
    """Return the refusal of a second word about one step."""
    after = f"Go on with: mendflow resume {run_id}" if word.is_open else f"`mendflow why {run_id}` tells it."
    return InvalidUse(f"`{word.path}` of run `{run_id}` was decided already: {word.told}.", help=after)


def _paths(entry: JsonValue) -> list[str]:
    """Return the paths of approvals that an entry of `waiting` speaks of: its own, or those within its map."""
    if not isinstance(entry, dict) or entry.get("for") != "approval":
        return []
    items = entry.get("items")
    return [str(item) for item in items] if isinstance(items, list) else [str(entry["path"])]


def _chosen(pending: list[str], step: str, run_id: str) -> str:
    listed = ", ".join(f"`{path}`" for path in pending)
    if not pending:
        raise InvalidUse(
            f"Run `{run_id}` waits for no approval.", help=f"`mendflow show {run_id}` says how it stands."
        )
    if step and step not in pending:
        raise InvalidUse(
            f"Step `{step}` waits for no approval; these do: {listed}.", help="Name one of them."
        )
    if not step and len(pending) > 1:
        raise InvalidUse(f"Several steps wait for approval: {listed}.", help="Name one of them.")
    return step or pending[0]
