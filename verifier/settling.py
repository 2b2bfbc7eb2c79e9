"""Settling an unknown outcome by a confirming read, each class of effect in its own way."""

from typing import assert_never

from ..connectors.contract import MarkerRead, Reply, StateRead, ToolCall, ToolSpec, TotalRead
from .ledger import Ledger
from .marker_read import judge_listing
from .object_read import judge_state, judge_total
from .probing import unsettled
from .verdict import Verdict


def judge_probe(
    spec: ToolSpec, call: ToolCall, probe_spec: ToolSpec, probe: ToolCall, reply: Reply, ledger: Ledger
) -> Verdict:
    """Judge a confirming read. `ledger.attempts` holds all attempts, the unknown one included.

    Never `Wait` or `Renew`, which would send the call itself again; `Settle` repeats the reading.
    """
    match spec.confirm:
        case None:
            return unsettled(spec, call, "nothing tells afterwards whether it happened")
        case MarkerRead() as confirm:
            return judge_listing(spec, confirm, call, probe_spec, probe, reply, ledger)
        case StateRead() as confirm:
            return judge_state(spec, confirm, call, probe_spec, probe, reply, ledger)
        case TotalRead() as confirm:
            return judge_total(spec, confirm, call, probe_spec, probe, reply, ledger)
        case never:
            assert_never(never)
