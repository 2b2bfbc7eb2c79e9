from .agents.model import Model as Model
from .connectors.contract import Clock as Clock
from .connectors.contract import ConnectionSettings as ConnectionSettings
from .connectors.contract import Connector as Connector
from .connectors.contract import ToolCall as ToolCall
from .connectors.contract import ToolResult as ToolResult
from .connectors.contract import ToolSpec as ToolSpec
from .connectors.errors import MendflowError as MendflowError
from .graph.engine.replay import replay as replay
from .graph.engine.summary import RunResult as RunResult
from .verifier.verdict import Fault as Fault
from .verifier.verdict import Remedy as Remedy
from .verifier.verdict import Verdict as Verdict

__all__ = [
    "Clock",
    "ConnectionSettings",
    "Connector",
    "Fault",
    "MendflowError",
    "Model",
    "Remedy",
    "RunResult",
    "ToolCall",
    "ToolResult",
    "ToolSpec",
    "Verdict",
    "replay",
]
