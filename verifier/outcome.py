"""What became of one attempt: a total reading of every reply there can be.

Writes: whatever is not proven is `unknown`. A refusal needs a whole vendor error whose code is known to mean
that nothing happened; a success needs a valid answer that repeats what was asked. Reads change nothing, so
theirs is never unknown: what cannot be used is `refused`, and the fault says whether another try may help.
"""

from dataclasses import dataclass, field
from typing import Literal, assert_never

from pydantic import JsonValue

from ..connectors.contract import REPEATABLE, Answer, JsonObject, NoAnswer, Reply, ToolCall, ToolSpec
from .contract import compare, evidence_of, fits
from .echo import has_foreign_marker, unrepeated
from .envelope import VendorError, denials, unwrap, vendor_error
from .verdict import Fault, FaultKind

Standing = Literal["not_sent", "refused", "done", "unknown"]

_SILENCES: dict[str, FaultKind] = {
    "dns": "unreachable",
    "connect": "unreachable",
    "tls": "unreachable",
    "pool": "unreachable",
    "timeout": "timeout",
    "reset": "unreachable",
    "protocol": "unreachable",
    "cancelled": "unreachable",
    "crash": "unreachable",
    "credential": "missing_credential",
    "paused": "paused",
    "down": "outage",
}
# Piggy's manifest: calls that were throttled or not let in are not applied.
_NOT_LET_IN: dict[int, tuple[FaultKind, str]] = {
    401: ("unauthorized", "the vendor did not accept the credential"),
    403: ("forbidden", "the credential may not do this"),
    429: ("rate_limit", "the vendor asks for fewer calls"),
}
_NO_SUCH_ADDRESS = frozenset({404, 405, 410})  # Piggy says "not found" with 400 and a code, never with 404
_MOVED = frozenset({301, 308})  # for good; RFC 9110, 15.4.2 and 15.4.9
_REDIRECTS = frozenset({302, 303, 307})
_PASSING: dict[int, FaultKind] = {
    408: "timeout",
    409: "server_error",
    421: "server_error",  # may be asked over another connection; RFC 9110, 15.5.20
    425: "server_error",
}
_PARTIAL = 206
_WHERE = "check the connection's base URL and prefix"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt stands."""

    standing: Standing
    fault: Fault | None = None
    """What is wrong; None exactly when the standing is `done`."""
    output: JsonValue = None
    meta: JsonObject = field(default_factory=dict)

    @property
    def not_applied(self) -> bool:
        """Whether it is proven that this attempt changed nothing."""
        return self.standing in ("not_sent", "refused")


def classify(spec: ToolSpec, call: ToolCall, reply: Reply) -> Outcome:
    """Say what became of one attempt. Total: never raises, whatever came back."""
    match reply.outcome:
        case NoAnswer() as silence:
            return _of_silence(spec, silence)
        case Answer() as answer:
            return _of_answer(spec, call, answer)
        case never:
            assert_never(never)


def wrong_with(spec: ToolSpec, call: ToolCall, output: JsonValue) -> Fault | None:
    """Return why an output is not the success that was asked for, or None when it is."""
    if not fits(spec.answer, output):
        differences = compare(spec.answer, output)
        said = "; ".join(str(one) for one in differences if one.change != "unexpected")
        detail = f"the answer breaks the contract of `{spec.operation}`: {said[:300]}"
        return Fault(kind="drift", detail=detail, evidence=evidence_of(differences))
    strange = unrepeated(spec, call, output)
    if strange:
        names = ", ".join(f"`{name}`" for name in strange)
        evidence: JsonObject = {"not_repeated": list(strange)}
        return Fault(kind="drift", detail=f"the answer does not repeat {names} as sent", evidence=evidence)
    if has_foreign_marker(spec, call, output):
        return Fault(kind="drift", detail="the answer carries a marker that is not ours")
    return None


def _of_silence(spec: ToolSpec, silence: NoAnswer) -> Outcome:
    said = f": {silence.detail}" if silence.detail else ""
    fault = Fault(
        kind=_SILENCES[silence.reason],
        detail=f"no answer ({silence.reason}){said}",
        evidence={"reason": silence.reason, "sent": silence.sent},
    )
    return Outcome("not_sent", fault) if silence.sent == "no" else _unusable(spec, fault)


def _of_answer(spec: ToolSpec, call: ToolCall, answer: Answer) -> Outcome:
    """Read the HTTP status first where the body is not to be trusted, and the vendor's code elsewhere."""
    if answer.status in _NOT_LET_IN:
        kind, detail = _NOT_LET_IN[answer.status]
        return Outcome("refused", _fault(kind, f"status {answer.status}: {detail}", answer))
    if answer.status >= 500:  # noqa: PLR2004  # RFC 9110, 15.6
        kind = "maintenance" if answer.status == 503 else "server_error"  # noqa: PLR2004  # Piggy's SDK
        return _unusable(
            spec, _fault(kind, f"the vendor's server failed with status {answer.status}", answer)
        )
    error = vendor_error(answer.body)
    if error is not None:
        return _of_code(spec, call, answer, error)
    if 200 <= answer.status < 300:  # noqa: PLR2004  # RFC 9110, 15.3
        return _of_success(spec, call, answer)
    return _unusable(spec, _odd_status(answer))


def _of_code(spec: ToolSpec, call: ToolCall, answer: Answer, error: VendorError) -> Outcome:
    about = f" ({', '.join(error.fields)})" if error.fields else ""
    evidence: JsonObject = {"status": answer.status, "code": error.code}
    fault = Fault(
        kind="refused",
        detail=f"the vendor refused with code {error.code}: {error.message}{about}",
        evidence=evidence,
    )
    if error.code in spec.unsettled:
        detail = f"the vendor left the outcome open with code {error.code}: {error.message}"
        return _unusable(spec, Fault(kind="server_error", detail=detail, evidence=evidence))
    if error.code in spec.already and spec.effect in REPEATABLE:
        return Outcome("done", output=call.arguments)
    if error.code in spec.refusals and error.code not in spec.already:
        return Outcome("refused", fault)
    return _unusable(spec, fault)


def _of_success(spec: ToolSpec, call: ToolCall, answer: Answer) -> Outcome:
    detail = _unwell(answer)
    if detail:
        return _unusable(spec, _fault("malformed_answer", detail, answer))
    unwrapped = unwrap(answer.body)
    if unwrapped is None:
        detail = "the answer has no `data`, which every success holds"
        return _unusable(spec, _fault("drift", detail, answer))
    fault = wrong_with(spec, call, unwrapped.output)
    if fault is not None:
        return _unusable(spec, fault)
    return Outcome("done", output=unwrapped.output, meta=unwrapped.meta)


def _unwell(answer: Answer) -> str:
    """Return why a success cannot be taken for one, whatever it holds; empty when it can."""
    if answer.status == _PARTIAL:  # no part was asked for, and what is missing from one proves nothing
        return "status 206: a part of an answer; expected the whole"
    if answer.flaw is not None:
        return f"the answer cannot be read: {answer.flaw.replace('_', ' ')}; expected one whole JSON text"
    denied = denials(answer.body)
    if denied:
        names = ", ".join(f"`{name}`" for name in denied)
        return f"status {answer.status}, and {names} of the answer says that the call failed"
    return ""


def _odd_status(answer: Answer) -> Fault:
    if answer.status in _NO_SUCH_ADDRESS:
        return _fault("refused", f"status {answer.status}: no such address; {_WHERE}", answer)
    if answer.status in _MOVED:
        return _fault("refused", f"status {answer.status}: the address has moved; {_WHERE}", answer)
    if answer.status in _REDIRECTS:
        detail = f"status {answer.status}: a redirect, which is never followed; {_WHERE}"
        return _fault("malformed_answer", detail, answer)
    if answer.status in _PASSING:
        return _fault(_PASSING[answer.status], f"the vendor answered with status {answer.status}", answer)
    is_client_error = 400 <= answer.status < 500 and answer.flaw is None  # noqa: PLR2004  # RFC 9110, 15.5
    kind: FaultKind = "refused" if is_client_error else "malformed_answer"
    detail = (
        f"status {answer.status} without an error that the vendor documents; expected 2xx, or 400 with a code"
    )
    return _fault(kind, detail, answer)


def _unusable(spec: ToolSpec, fault: Fault) -> Outcome:
    """Return the outcome of what proves nothing: a read has nothing to lose, of a write nothing is known."""
    if spec.is_read:
        return Outcome("refused", fault)
    detail = f"whether `{spec.operation}` took place is unknown: {fault.detail}"
    evidence: JsonObject = {"cause": fault.kind, **fault.evidence}
    return Outcome("unknown", Fault(kind="unknown_outcome", detail=detail, evidence=evidence))


def _fault(kind: FaultKind, detail: str, answer: Answer) -> Fault:
    evidence: JsonObject = {"status": answer.status}
    if answer.flaw is not None:
        evidence["flaw"] = answer.flaw
    return Fault(kind=kind, detail=detail, evidence=evidence)
