"""From a place on the tape to a place in the file: which line a divergence comes from. Pure."""

import re

from ..language.plan import MapStep, Place, Plan, Step

_INDEX = re.compile(r"\[\d+\]")


def step_at(plan: Plan, path: str) -> Step | None:
    """Return the step that a path such as `members[3].letter` or `brief.read[0]` leads to."""
    steps: tuple[Step, ...] = plan.steps
    found: Step | None = None
    for name in _INDEX.sub("", path).split("."):
        step = next((one for one in steps if one.id == name), None)
        if step is None:
            return found
        found, steps = step, step.steps if isinstance(step, MapStep) else ()
    return found


def locate(plan: Plan, key: str, field: str) -> Place | None:
    """Return where in the file the field of a fact comes from; the step itself where no line is nearer."""
    step = step_at(plan, key.partition("#")[0])
    if step is None:
        return None
    head, _, rest = _INDEX.sub("", field).partition(".")
    candidates = {
        "arguments": (f"with.{rest}", "with"),
        "given": (f"with.{rest}", "with"),
        "material": (f"select.{rest}", "select", "from"),
        "slot": ("once",),
        "operation": ("call",),
        "rubric": ("rules",),
    }.get(head, (f"{head}.{rest}", head))
    for candidate in candidates:
        place = _nearest(step.places, candidate)
        if place is not None:
            return place
    return step.place


def _nearest(places: dict[str, Place], name: str) -> Place | None:
    """Return the place of the name, or of the longest part of it that has one."""
    while name:
        if name in places:
            return places[name]
        name = name.rpartition(".")[0]
    return None
