"""Draws a plan's own steps as a Mermaid flowchart."""

from .plan import AgentStep, ApproveStep, CallStep, MapStep, Plan, Step, VerifyStep


def mermaid(plan: Plan) -> str:
    """Return a `flowchart TD` of the steps: arrows follow the order, dotted ones lead back to an author."""
    return "\n".join(["flowchart TD", *_level(plan.steps, "s", "  ")]) + "\n"


def _level(steps: tuple[Step, ...], prefix: str, indent: str) -> list[str]:
    lines: list[str] = []
    for step in steps:
        # Ids carry a prefix because Mermaid cannot read a node called `end`.
        name = f"{prefix}_{step.id}"
        if isinstance(step, MapStep):
            title = _words(f"{step.id}: each {step.name} of {step.over.text}")
            lines.append(f'{indent}subgraph {name}["{title}"]')
            lines += _level(step.steps, name, indent + "  ")
            lines.append(f"{indent}end")
        else:
            lines.append(indent + _node(step, name))
    for step in steps:
        name = f"{prefix}_{step.id}"
        when = f'|"when {_words(step.when.text)}"|' if step.when else ""
        lines += [f"{indent}{prefix}_{need} -->{when} {name}" for need in step.needs]
        if isinstance(step, VerifyStep) and step.back_to:
            lines.append(f'{indent}{name} -.->|"back, at most {step.most}"| {prefix}_{step.back_to}')
    return lines


def _node(step: CallStep | AgentStep | VerifyStep | ApproveStep, name: str) -> str:
    match step:
        case CallStep():
            return f'{name}[["{_words(f"{step.id}: {step.connection}.{step.operation}")}"]]'
        case AgentStep():
            return f'{name}(["{_words(f"{step.id}: {step.role}")}"])'
        case VerifyStep():
            return f'{name}{{{{"{_words(f"{step.id}: verify {step.subject}")}"}}}}'
        case ApproveStep():
            return f'{name}[/"{_words(f"{step.id}: approve")}"/]'


def _words(text: str) -> str:
    """Return a text as it may stand in a label."""
    line = " ".join(text.split())
    most = 80
    if len(line) > most:
        line = line[: most - 1] + "…"
    return "".join(f"#{ord(sign)};" if sign in '"#<>&`' else sign for sign in line)
