"""The whole file as a typed shape: its head and what stands beside the steps; `steps` reads those."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import JsonValue

from ...connectors.contract import ConnectionSettings, CredentialSource, JsonObject
from ...verifier.budget import EffectBudget
from .diagnostics import Report
from .fields import Fields, as_mapping, check_name
from .holes import Use, Uses
from .plan import InputSpec, OnPark, Place, Value
from .reader import Broken, Entry, Mapping, Node, Scalar, describe, plain, shorten
from .schemas import complaints, flaw_of_schema, settled
from .steps import Level, read_level, read_voice
from .terms import read_budgets, read_on_park

API_VERSION = "mendflow/v1"
TYPES = ("string", "integer", "number", "boolean", "array", "object")

_NUMBERS = ("minimum", "maximum", "minLength", "maxLength")
_SECRET_WORDS = ("key", "token", "secret", "password", "api_key", "apikey")
_WORKFLOW_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection and where its parts stand."""

    settings: ConnectionSettings
    place: Place
    connector_place: Place


@dataclass(frozen=True, slots=True)
class Shape:
    """A file as written; names are not looked up yet."""

    name: str
    version: str
    inputs: dict[str, InputSpec]
    connections: dict[str, Connection]
    models: dict[str, str]
    voice: JsonObject
    voice_places: dict[str, Place]
    level: Level
    outputs: dict[str, Value]
    output_uses: tuple[Use, ...]
    budgets: EffectBudget
    budget_places: dict[str, Place]
    """Where each bound stands, e.g. `per_recipient`, `sum.credits`."""
    on_park: OnPark | None
    tests: Node | None
    """What stands under `tests`; `cases` reads it."""


def read_shape(root: Mapping, folder: Path, report: Report) -> Shape:
    """Return the shape of a file; mistakes are noted and what they spoil is left out."""
    top = Fields(root, "the workflow", report)
    _version(top, report)
    name, version = _metadata(top, report)
    inputs = _inputs(top, report)
    connections = _connections(top, folder, report)
    models = _models(top, report)
    voice = read_voice(top, report)
    steps = top.mapping("steps", required=True)
    level = read_level(steps, report) if steps else Level((), {})
    uses = Uses(report)
    outputs: dict[str, Value] = {}
    for entry in _entries(top, "outputs"):
        check_name(entry.key, entry.place, "an output", report)
        outputs[entry.key] = uses.value(entry.value, f"outputs.{entry.key}")
    voice_places = {f"voice.{entry.key}": entry.place for entry in _entries(top, "voice")}
    budgets, budget_places = read_budgets(top, report)
    on_park = read_on_park(top, folder, report)
    tests = top.node_of("tests")
    top.close()
    return Shape(
        name,
        version,
        inputs,
        connections,
        models,
        voice,
        voice_places,
        level,
        outputs,
        tuple(uses.found),
        budgets,
        budget_places,
        on_park,
        tests,
    )


def _entries(fields: Fields, key: str) -> Iterator[Entry]:
    fields.has(key)
    node = fields.entry_values().get(key)
    if isinstance(node, Mapping):
        yield from node.entries
    elif node is not None and key != "voice":
        fields.mapping(key)


def _version(top: Fields, report: Report) -> None:
    for key, expected in (("apiVersion", API_VERSION), ("kind", "Workflow")):
        found = top.text(key, required=True)
        if found and found != expected:
            place = top.place_of_value(key)
            report.add("MF1104", place, f"`{key}`: found `{shorten(found)}`, expected `{expected}`")


def _metadata(top: Fields, report: Report) -> tuple[str, str]:
    node = top.mapping("metadata", required=True)
    if node is None:
        return "", ""
    fields = Fields(node, "`metadata`", report)
    name, version = fields.text("name", required=True), fields.text("version", required=True)
    fields.text("description")
    if name and not _WORKFLOW_NAME.fullmatch(name):
        message = f"`name`: found `{shorten(name)}`, expected letters a to z, digits, `_` and `-`, at most 64"
        report.add("MF1105", fields.place_of_value("name"), message)
    fields.close()
    return name, version


def _inputs(top: Fields, report: Report) -> dict[str, InputSpec]:
    found: dict[str, InputSpec] = {}
    for entry in _entries(top, "inputs"):
        check_name(entry.key, entry.place, "an input", report)
        body = as_mapping(entry.value, f"input `{shorten(entry.key)}`", report)
        if body:
            found[entry.key] = _input(entry, body, report)
        else:
            found[entry.key] = InputSpec(name=entry.key, rule={}, place=entry.place)
    return found


def _input(entry: Entry, body: Mapping, report: Report) -> InputSpec:
    fields = Fields(body, f"input `{shorten(entry.key)}`", report)
    before = len(report.mistakes)
    rule: JsonObject = {}
    kind = fields.text("type", required=True)
    if kind:
        rule["type"] = fields.choice("type", TYPES, "")
    for key in ("format", "pattern", "description"):
        text = fields.text(key)
        if text:
            rule[key] = text
    for key in (*_NUMBERS, "enum"):
        node = fields.node_of(key)
        if node is not None and not isinstance(node, Broken):
            rule[key] = plain(node)
    is_given = fields.has("default")
    default = plain(fields.entry_values()["default"]) if is_given else None
    fields.close()
    if len(report.mistakes) == before:
        default = _check_rule(fields, rule, default, report)
    return InputSpec(name=entry.key, rule=rule, default=default, required=not is_given, place=entry.place)


def _check_rule(fields: Fields, rule: JsonObject, default: JsonValue, report: Report) -> JsonValue:
    flaw = flaw_of_schema(rule)
    if flaw:
        report.add("MF1112", fields.node.place, f"the rule of {fields.what} is invalid: {flaw}")
        return default
    if default is None:  # none given, or `default: null`, which makes the input one that may be left empty
        return default
    default = settled(default, rule)
    for complaint in complaints(default, rule):
        report.add("MF1104", fields.place_of_value("default"), f"`default`: {complaint.message}")
    return default


def _connections(top: Fields, folder: Path, report: Report) -> dict[str, Connection]:
    found: dict[str, Connection] = {}
    for entry in _entries(top, "connections"):
        check_name(entry.key, entry.place, "a connection", report, label=True)
        body = as_mapping(entry.value, f"connection `{shorten(entry.key)}`", report)
        if body:
            found[entry.key] = _connection(entry, body, folder, report)
        else:
            settings = ConnectionSettings(name=entry.key, connector="")
            found[entry.key] = Connection(settings, entry.place, entry.place)
    return found


def _connection(entry: Entry, body: Mapping, folder: Path, report: Report) -> Connection:
    fields = Fields(body, f"connection `{shorten(entry.key)}`", report)
    connector = fields.text("connector", required=True)
    timeout = _duration(fields, "timeout", report)
    given = fields.text("folder")
    settings = ConnectionSettings(
        name=entry.key,
        connector=connector,
        credential=_credential(fields, folder, report),
        base_url=_address(fields, report),
        prefix=fields.text("prefix"),
        account=fields.text("account"),
        timeout=timeout or timedelta(seconds=10),
        settle=_duration(fields, "settle", report),
        folder=str(folder / given),
    )
    if timeout == timedelta():
        report.add("MF1106", fields.place_of_value("timeout"), "`timeout`: found 0, expected more")
    for key in _SECRET_WORDS:
        if fields.has(key):
            _refuse_secret(fields.place(key), report)
    fields.close()
    return Connection(settings, entry.place, fields.place_of_value("connector"))


def _refuse_secret(place: Place, report: Report) -> None:
    message = "a secret may not stand in the file; expected the place where it is kept"
    advice = "Write `credential: {env: NAME}`, `{file: PATH}` or `{keyring: service/user}`."
    report.add("MF1110", place, message, advice)


def _credential(fields: Fields, folder: Path, report: Report) -> CredentialSource | None:
    node = fields.node_of("credential")
    if node is None or isinstance(node, Broken):
        return None
    if not isinstance(node, Mapping):
        _refuse_secret(node.place, report)
        return None
    inner = Fields(node, "`credential`", report)
    for key in _SECRET_WORDS:
        if inner.has(key):
            _refuse_secret(inner.place(key), report)
    sources = {key: inner.text(key, secret=True) for key in ("env", "file", "keyring")}
    inner.close()
    chosen = [key for key, value in sources.items() if value]
    if len(chosen) != 1 and not any(inner.has(key) for key in _SECRET_WORDS):
        message = f"`credential`: found {len(chosen)} sources, expected one of `env`, `file`, `keyring`"
        report.add("MF1113", node.place, message)
    if sources["env"] and not _VARIABLE.fullmatch(sources["env"]):
        message = "`env`: expected the name of an environment variable, not its value"
        advice = "If this was a secret, replace it at the vendor: it stands in a file."
        report.add("MF1110", inner.place_of_value("env"), message, advice)
        return None
    if sources["file"]:
        sources["file"] = str(folder / sources["file"])
    return CredentialSource.model_validate(sources)


def _address(fields: Fields, report: Report) -> str:
    text = fields.text("base_url")
    if not text:
        return ""
    place = fields.place_of_value("base_url")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        report.add("MF1104", place, "`base_url`: this is not an address")
        return ""
    if "@" in parts.netloc:
        _refuse_secret(place, report)
        return ""
    if not usable:
        report.add("MF1104", place, f"`base_url`: found `{shorten(text)}`, expected an http or https address")
    return text


def _duration(fields: Fields, key: str, report: Report) -> timedelta | None:
    node: Node | None = fields.node_of(key)
    if node is None or isinstance(node, Broken):
        return None
    text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else -1.0
    if 0 <= seconds <= timedelta(days=1).total_seconds():
        return timedelta(seconds=seconds)
    message = f"`{key}`: found {describe(node)}, expected a duration of at most a day"
    report.add("MF1104", node.place, message, "Write a number with `ms`, `s`, `m` or `h`, e.g. `10s`.")
    return None


def _models(top: Fields, report: Report) -> dict[str, str]:
    node = top.mapping("models")
    if node is None:
        return {}
    fields = Fields(node, "`models`", report)
    found: dict[str, str] = {}
    for entry in node.entries:
        check_name(entry.key, entry.place, "a model", report, label=True)
        text = fields.text(entry.key, required=True)
        if text and text != "offline" and not _is_provider(text):
            message = (
                f"`{shorten(entry.key)}`: found `{shorten(text)}`, expected `offline` or `provider:model`"
            )
            report.add("MF1104", entry.value.place, message, "For example `openai:gpt-5.5`.")
        found[entry.key] = text
    return found


def _is_provider(text: str) -> bool:
    provider, _, model = text.partition(":")
    return bool(provider and model)
