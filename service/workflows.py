"""The commands about files: check one, draw one, list the tools it may use."""

from pathlib import Path

from ..connectors.catalogue import CATALOGUE, find_tool, tools_of
from ..connectors.contract import ConnectionSettings, JsonObject
from ..connectors.errors import InvalidUse
from ..graph.language.compiler import load
from ..graph.language.diagnostics import InvalidWorkflow
from ..graph.language.mermaid import mermaid
from ..graph.language.plan import Plan, walk
from .exits import COMPLETED, INVALID
from .screen import say, say_json


def load_plan(path: Path) -> Plan:
    """Return the plan of a file."""
    return load(path, tools_of)


def validate_file(path: Path, *, as_json: bool) -> int:
    """Print every mistake, or what the workflow holds."""
    try:
        plan = load_plan(path)
    except InvalidWorkflow as error:
        if as_json:
            mistakes = [mistake.model_dump(mode="json") for mistake in error.mistakes]
            say_json({"valid": False, "mistakes": mistakes})
        else:
            for mistake in error.mistakes:
                say(str(mistake))
        return INVALID
    steps = len(walk(plan.steps))
    if as_json:
        say_json({"valid": True, "workflow": plan.name, "steps": steps, "mistakes": []})
    else:
        say(
            f"{path}: `{plan.name}` {plan.version} is valid: {steps} steps, {len(plan.connections)} connections."
        )
    return COMPLETED


def draw_file(path: Path) -> None:
    """Print the steps as Mermaid."""
    say(mermaid(load_plan(path)))


def draw_machine() -> None:
    """Print the state machine as Mermaid."""
    from ..graph.engine.machine import draw

    say(draw())


def list_tools(name: str, *, as_json: bool) -> int:
    """Print the tools of all connectors, of one, or one tool in full."""
    connector, _, tool = name.partition(".")
    if connector and connector not in CATALOGUE:
        known = ", ".join(f"`{one}`" for one in CATALOGUE)
        raise InvalidUse(f"There is no connector `{connector}`; there are {known}.", help="Name one of them.")
    specs = {
        one: tools_of(ConnectionSettings(name=one, connector=one))
        for one in CATALOGUE
        if connector in ("", one)
    }
    if tool:
        spec = find_tool(specs[connector], tool)
        say_json(spec.model_dump(mode="json"), indented=True)
        return COMPLETED
    if as_json:
        listing: JsonObject = {
            one: [spec.model_dump(mode="json") for spec in tools.values()] for one, tools in specs.items()
        }
        say_json(listing)
        return COMPLETED
    for one, tools in specs.items():
        for spec in tools.values():
            names = " ".join(spec.names)
            say(f"{one}.{spec.operation:<40} {spec.effect:<15} {names:<40} {spec.summary}".rstrip())
    return COMPLETED
