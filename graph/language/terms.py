"""The terms of a run: what its effects may come to, and who is told when it ends parked."""

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ...verifier.budget import EffectBudget
from .diagnostics import Report
from .fields import Fields, places_of
from .holes import has_hole
from .plan import OnPark, Place
from .reader import Scalar, Sequence

LARGEST_BOUND = 10**12

_APART = "Write program and arguments apart, e.g. `[notify, --to, ops]`; no shell reads them."
_FIXED = "What varies is in the news that it is handed."
_PRINTABLE = re.compile(r"[!-~]+")


def read_budgets(top: Fields, report: Report) -> tuple[EffectBudget, dict[str, Place]]:
    """Return what `budgets` allows, and where each bound stands, e.g. `count`, `sum.credits`."""
    outer = top.mapping("budgets")
    if outer is None:
        return EffectBudget(), {}
    fields = Fields(outer, "`budgets`", report)
    node = fields.mapping("effects", required=True)
    fields.close()
    if node is None:
        return EffectBudget(), {}
    effects = Fields(node, "`effects`", report)
    budget = EffectBudget(
        count=_bound(effects, "count"),
        per_recipient=_bound(effects, "per_recipient"),
        sums=_sums(effects, report),
    )
    effects.close()
    if not node.entries:
        advice = "Give at least one of `count`, `per_recipient` and `sum`."
        report.add("MF1102", node.place, "`effects` is empty, expected a bound", advice)
    return budget, places_of(node)


def _sums(effects: Fields, report: Report) -> dict[str, int]:
    node = effects.mapping("sum")
    if node is None:
        return {}
    if not node.entries:
        advice = "For example `sum: {credits: 10000}`."
        report.add("MF1102", node.place, "`sum` is empty, expected the name of an argument", advice)
    fields = Fields(node, "`sum`", report)
    bounds = {entry.key: _bound(fields, entry.key) for entry in node.entries}
    return {name: most for name, most in bounds.items() if most is not None}


def _bound(fields: Fields, key: str) -> int | None:
    return fields.integer(key, least=1, most=LARGEST_BOUND, default=0) or None


def read_on_park(top: Fields, folder: Path, report: Report) -> OnPark | None:
    """Return who is told; a program with a slash in its name stands relative to `folder`."""
    node = top.mapping("on_park")
    if node is None:
        return None
    fields = Fields(node, "`on_park`", report)
    told = OnPark(command=_command(fields, folder, report), webhook=_webhook(fields, report))
    fields.close()
    if fields.has("command") == fields.has("webhook"):
        found = "both" if fields.has("command") else "none"
        message = f"`on_park`: found {found} of `command` and `webhook`, expected one"
        report.add("MF1113", node.place, message)
    return told


def _command(fields: Fields, folder: Path, report: Report) -> tuple[str, ...]:
    words = fields.texts("command", "text", _APART)
    node = fields.entry_values().get("command")
    if isinstance(node, Sequence) and not node.items:
        report.add("MF1102", node.place, "`command` is empty, expected a program and its arguments", _APART)
    for number, (word, place) in enumerate(words):
        if has_hole(Scalar(place, word)):
            report.add("MF1209", place, "`command` is fixed text and takes no `${{ }}`", _FIXED)
        elif "\0" in word or not (word or number):
            report.add("MF1104", place, "`command`: no program can be started with this word", _APART)
    found = [word for word, _ in words]
    if found and "/" in found[0]:  # a bare name is looked for where the system keeps its programs
        found[0] = str((folder / found[0]).absolute())
    return tuple(found)


def _webhook(fields: Fields, report: Report) -> str:
    address = fields.text("webhook", secret=True)  # many an address is a secret itself, so none is repeated
    place = fields.place_of_value("webhook")
    if has_hole(Scalar(place, address)):
        report.add("MF1209", place, "`webhook` is fixed text and takes no `${{ }}`", _FIXED)
    elif address and not _is_guarded(address):
        message = "`webhook`: expected an https address without a user's name, or an http one of this machine"
        report.add("MF1104", place, message, "For example `https://hooks.example.com/parked`.")
    return address


def _is_guarded(address: str) -> bool:
    """Return whether this is an address, and nobody on the way to it can read what is sent there."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises where it is no port
    except ValueError:
        return False
    if not (_PRINTABLE.fullmatch(address) and parts.hostname) or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
