"""Heals in words for people who do not read code: two lines each, what went wrong, and what was done about it."""

from ..connectors.contract import JsonObject

_WRONG = {
    "rate_limit": "the vendor asked for fewer calls",
    "unauthorized": "the vendor did not accept the key",
    "missing_credential": "no key was found where it is kept",
    "drift": "the vendor's answer had another shape than agreed",
    "timeout": "the vendor took too long to answer",
    "unreachable": "the vendor could not be reached, or the line broke",
    "server_error": "the vendor's own server failed",
    "maintenance": "the vendor was down for maintenance",
    "malformed_answer": "the vendor's answer could not be read",
    "outage": "the vendor was down",
    "unknown_outcome": "no usable answer came, so it was not known whether this had happened",
    "slot_taken": "another run was doing the very same thing",
    "draft_rejected": "the draft was rejected",
    "model_fault": "the model gave no usable reply",
}
_DONE = {
    "wait": "it waited and asked again, and the call then succeeded",
    "renew": "the key was read again from where it is kept, and the call then succeeded",
    "settle": "nothing was sent again; it was looked up at the vendor: {proof}",
    "settle, then resend": "it was looked up, had surely not happened, and was sent once more; it happened once",
    "resend": "it was sent again, which is safe here, and succeeded",
    "drift_patch": "the values were taken as they now stand, and say the same: {moves}",
    "rewrite": "the author wrote it anew, and the new draft kept every rule",
}
_CHANGES = {
    "text": "written as text",
    "whole": "written as a whole number",
    "case": "written as the agreed word",
}


def heal_lines(heal: JsonObject) -> tuple[str, str]:
    """Return a heal in two lines; `heal` is a heal record with its key as `at`."""
    found = heal.get("fault")
    fault = found if isinstance(found, dict) else {}
    kind, remedy = str(fault.get("kind")), str(heal.get("remedy"))
    path = str(heal.get("at")).partition("#")[0]
    wrong = _WRONG.get(kind, kind)
    if kind == "draft_rejected":
        wrong = f"{wrong}: {fault.get('detail')}"
    done = _DONE.get(remedy, remedy).format(proof=heal.get("proof"), moves=_moves(heal))
    return f"{path}: {wrong} ({kind})", f"  {done} ({remedy})"


def _moves(heal: JsonObject) -> str:
    moves = heal.get("moves")
    told = [_move(move) for move in (moves if isinstance(moves, list) else []) if isinstance(move, dict)]
    return ", ".join(told)


def _move(move: JsonObject) -> str:
    change = str(move.get("change") or "")
    if change:
        return f"`{move.get('found')}` {_CHANGES.get(change, change)}"
    doubt = " (by its name alone)" if move.get("tier") == "T2" else ""
    return f"`{move.get('found')}` as `{move.get('expected')}`{doubt}"
