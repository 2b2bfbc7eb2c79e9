"""The table of Piggy's operations, by their dotted names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..contract import ToolSpec
from .reads import READS
from .register import REGISTER
from .route import Operation
from .writes import WRITES

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {operation.spec.operation: operation for operation in (*READS, *WRITES, *REGISTER)}
)
TOOLS: Final[Mapping[str, ToolSpec]] = MappingProxyType(
    {name: operation.spec for name, operation in OPERATIONS.items()}
)
