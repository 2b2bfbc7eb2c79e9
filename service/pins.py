"""From a run's first event back to the order it was started with."""

from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..connectors.catalogue import tools_of
from ..connectors.contract import ConnectionSettings, JsonObject
from ..connectors.errors import InvalidUse
from ..graph.engine.run import Order
from ..graph.language.compiler import compile_text
from ..graph.language.plan import Plan

_EDITED = "Was the trace edited?"
_SETTINGS: TypeAdapter[dict[str, ConnectionSettings]] = TypeAdapter(dict[str, ConnectionSettings])


def plan_of(pinned: JsonObject) -> Plan:
    """Return the plan of a recorded run, compiled from the texts in its first event alone."""
    files = tuple(sorted((name, str(text)) for name, text in part(pinned, "files").items()))
    file = str(part(pinned, "workflow").get("file"))
    if file not in dict(files):
        raise InvalidUse(f"The run's first event does not hold its workflow `{file}`.", help=_EDITED)
    return _compiled(file, files)


@lru_cache(maxsize=32)
def _compiled(file: str, named: tuple[tuple[str, str], ...]) -> Plan:
    """Compile texts once: after a crash many runs of one workflow are taken up."""
    files = dict(named)
    folder = Path(file).parent
    texts = {folder / name: text for name, text in files.items()}

    def read(path: Path) -> str:
        if path not in texts:
            raise FileNotFoundError(path)
        return texts[path]

    return compile_text(files[file], file=file, folder=folder, catalogue=tools_of, read_file=read)


def order_of(pinned: JsonObject, plan: Plan) -> Order:
    """Return the order of a recorded run, on its own plan or an edited one."""
    try:
        connections = _SETTINGS.validate_python(part(pinned, "connections"))
    except ValidationError as error:
        raise InvalidUse("The run's first event holds no usable `connections`.", help=_EDITED) from error
    return Order(
        plan=plan,
        inputs=part(pinned, "inputs"),
        connections=connections,
        world=part(pinned, "world"),
        model=str(pinned.get("model") or ""),
    )


def part(pinned: JsonObject, name: str) -> JsonObject:
    """Return one part of the pins. Raises InvalidUse where it is none."""
    value = pinned.get(name)
    if not isinstance(value, dict):
        raise InvalidUse(f"The run's first event holds no `{name}`.", help=_EDITED)
    return value
