"""mendflow: multi-agent workflows whose tool calls are verified and mend themselves.

The names below load their rooms only when they are used, so `import mendflow` costs nothing.
"""

from importlib import import_module

_HOMES = {
    "Clock": "connectors.contract",
    "Connector": "connectors.contract",
    "ConnectionSettings": "connectors.contract",
    "ToolCall": "connectors.contract",
    "ToolResult": "connectors.contract",
    "ToolSpec": "connectors.contract",
    "MendflowError": "connectors.errors",
    "Fault": "verifier.verdict",
    "Remedy": "verifier.verdict",
    "Verdict": "verifier.verdict",
    "Model": "agents.model",
    "RunResult": "graph.engine.summary",
    "replay": "graph.engine.replay",
}

__all__ = [*_HOMES]  # noqa: PLE0604  # the table above is the one list of names


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
