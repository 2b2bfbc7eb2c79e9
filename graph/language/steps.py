"""The `steps` of a file as typed shapes: each kind with its own keys. `meaning` looks the names up."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from ...agents.model import RoleName
from ...connectors.contract import JsonObject
from .diagnostics import Report, nearest, suggestion
from .fields import Fields, as_mapping, check_name, places_of
from .holes import Use, Uses, has_hole
from .plan import (
    AgentStep,
    ApproveStep,
    CallStep,
    Expression,
    Literally,
    MapStep,
    Place,
    Step,
    Value,
    VerifyStep,
)
from .reader import Broken, Entry, Mapping, Scalar, describe, plain, shorten
from .rules import RulesReader

_COMMON = ("needs", "when", "on_exhausted")
_KEYS: dict[str, tuple[str, ...]] = {
    "call": ("with", "once", "expect", "may_repeat"),
    "agent": ("model", "goal", "with", "from", "select", "tools", "voice", "output"),
    "verify": ("rules", "on_fail"),
    "map": ("as", "parallel", "steps", "outputs", "on_item_failure"),
    "approve": ("shows",),
}
_LATER = ("branch", "loop", "wait", "workflow")
_LATER_ROLES = ("designer", "engineer")
_OTHER_ROLES = {
    "verifier": "The verifier judges drafts in a `verify: STEP` step, and every call by itself.",
    "distributor": "The distributor makes the calls of `call: CONNECTION.TOOL` steps.",
}
_ROLES = ("researcher", "writer")
_TAKEN = frozenset({"inputs", "steps", "output", "draft", "index"})
"""Names that expressions have already."""

Part = Literal["needs", "from", "verify", "back_to", "shows"]


@dataclass(frozen=True, slots=True)
class Mention:
    """The name of a step where another step writes it."""

    name: str
    place: Place
    part: Part


@dataclass(frozen=True, slots=True)
class Level:
    """Steps that stand beside each other."""

    steps: tuple["StepShape", ...]
    ids: dict[str, Place]
    """All ids of the level, those of steps with mistakes included."""


@dataclass(frozen=True, slots=True)
class StepShape:
    """A step as written: a plan's step whose names are not looked up yet, and where everything stands."""

    step: Step
    mentions: tuple[Mention, ...] = ()
    uses: tuple[Use, ...] = ()
    arguments: Mapping | None = None
    """`with` of a call."""
    tools: tuple[tuple[str, Place], ...] = ()
    """`tools` of an agent."""
    spots: dict[str, Place] = field(default_factory=dict)
    """Where the values of `call`, `model` and of a rule's keys stand; a step's `places` are those of keys."""
    schema: tuple[str, Place] | None = None
    """File of an agent's output schema."""
    inner: Level | None = None
    inner_uses: tuple[Use, ...] = ()
    """Expressions of a map's `outputs`, which see its steps."""


def read_level(node: Mapping, report: Report) -> Level:
    """Return the steps of one mapping of ids to steps."""
    shapes: list[StepShape] = []
    for entry in node.entries:
        check_name(entry.key, entry.place, "a step", report)
        body = as_mapping(entry.value, f"step `{shorten(entry.key)}`", report)
        shape = _Draft(entry, body, report).read() if body else None
        if shape:
            shapes.append(shape)
    if not node.entries:
        report.add("MF1102", node.place, "`steps` is empty, expected at least one step")
    return Level(tuple(shapes), {entry.key: entry.place for entry in node.entries})


@dataclass
class _Draft:
    """One step while it is read."""

    entry: Entry
    node: Mapping
    report: Report
    fields: Fields = field(init=False)
    uses: Uses = field(init=False)
    places: dict[str, Place] = field(init=False)
    mentions: list[Mention] = field(init=False, default_factory=list)
    spots: dict[str, Place] = field(init=False, default_factory=dict)
    needs: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        self.fields = Fields(self.node, f"step `{shorten(self.entry.key)}`", self.report)
        self.uses = Uses(self.report)
        self.places = {}

    def read(self) -> StepShape | None:
        """Return the shape; None when the step has no usable kind."""
        kind = self._kind()
        if not kind:
            return None
        self.places = self._places(kind)
        readers = {
            "call": self._call,
            "agent": self._agent,
            "verify": self._verify,
            "map": self._map,
            "approve": self._approve,
        }
        self.needs = tuple(dict.fromkeys(name for name, _ in self.fields.names("needs")))
        self._mention("needs")
        shape = readers[kind]()
        own = (kind, *_COMMON, *_KEYS[kind])
        elsewhere = {
            key: f"it is a key of `{other}` steps"
            for other, keys in _KEYS.items()
            for key in keys
            if key not in own
        }
        self.fields.close(elsewhere)
        return shape

    def _kind(self) -> str:
        found = [e for e in self.node.entries if e.key in _KEYS or e.key in _LATER]
        what = self.fields.what
        if not found:
            guesses = (nearest(entry.key, _KEYS) for entry in self.node.entries if entry.key not in _COMMON)
            meant = next((guess for guess in guesses if guess), "")
            kinds = ", ".join(f"`{kind}`" for kind in _KEYS)
            end = f"; did you mean `{meant}`?" if meant else ""
            self.report.add(
                "MF1107", self.entry.place, f"{what} has no kind, expected one key of {kinds}{end}"
            )
            return ""
        for second in found[1:]:
            message = f"{what} has `{second.key}` beside `{found[0].key}`, expected one kind"
            self.report.add("MF1108", second.place, message, "Make two steps of it.")
        if found[0].key in _LATER:
            message = f"steps of the kind `{found[0].key}` are not available yet"
            advice = "Available: " + ", ".join(_KEYS) + "."
            self.report.add("MF1109", found[0].place, message, advice)
            return ""
        return "" if len(found) > 1 else found[0].key

    def _places(self, kind: str) -> dict[str, Place]:
        places = places_of(self.node)
        if kind == "map":
            places = {key: place for key, place in places.items() if not key.startswith("steps.")}
        return places

    def _common(self) -> dict[str, object]:
        when = self.fields.node_of("when")
        return {
            "id": self.entry.key,
            "needs": self.needs,
            "when": self.uses.bare(when, "when", wants=("boolean",)) if when else None,
            "on_exhausted": self.fields.choice("on_exhausted", ("fail", "park", "skip"), "fail"),
            "place": self.entry.place,
            "places": self.places,
        }

    def _mention(self, part: Part) -> tuple[str, ...]:
        found = self.fields.names(part) if part in {"from", "shows", "needs"} else ()
        self.mentions += [Mention(name, place, part) for name, place in found]
        return tuple(dict.fromkeys(name for name, _ in found))

    def _bare(self, key: str, wants: tuple[str, ...], names: tuple[str, ...] = ()) -> Expression | None:
        node = self.fields.node_of(key)
        return self.uses.bare(node, key, wants=wants, names=names) if node else None

    def _values(self, key: str) -> dict[str, Value]:
        node = self.fields.mapping(key)
        if node is None:
            return {}
        return {e.key: self.uses.value(e.value, f"{key}.{e.key}") for e in node.entries}

    def _prose(self, key: str) -> Value:
        node = self.fields.node_of(key, required=True)
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return self.uses.value(node, key)
        if node is not None and not isinstance(node, Broken):
            self.report.add("MF1103", node.place, f"`{key}`: found {describe(node)}, expected a text")
        return Literally(value="")

    def _shape(self, step: Step) -> StepShape:
        return StepShape(step, tuple(self.mentions), tuple(self.uses.found), spots=self.spots)

    def _call(self) -> StepShape:
        common = self._common()
        target = self.fields.text("call", required=True)
        connection, _, tool = target.partition(".")
        arguments = self.fields.mapping("with")
        step = CallStep.model_validate(
            {
                **common,
                "connection": connection,
                "operation": tool,
                "arguments": self._values("with"),
                "once": self._bare("once", ("string", "integer", "array", "object")),
                "expect": self._bare("expect", ("boolean",), ("output",)),
                "may_repeat": self.fields.flag("may_repeat"),
            }
        )
        self.spots["call"] = self.fields.place_of_value("call")
        return replace(self._shape(step), arguments=arguments)

    def _agent(self) -> StepShape:
        common = self._common()
        step = AgentStep.model_validate(
            {
                **common,
                "role": self._role(),
                "model": self.fields.text("model"),
                "goal": self._prose("goal"),
                "given": self._values("with"),
                "sources": self._mention("from"),
                "select": self._select(),
                "voice": read_voice(self.fields, self.report),
            }
        )
        self.spots["model"] = self.fields.place_of_value("model")
        return replace(self._shape(step), tools=self.fields.names("tools"), schema=self._schema())

    def _role(self) -> RoleName:
        name = self.fields.text("agent", required=True)
        place = self.fields.place_of_value("agent")
        if name in _LATER_ROLES:
            advice = "Available: " + ", ".join(_ROLES) + "."
            self.report.add("MF1109", place, f"the role `{name}` is not available yet", advice)
        elif name in _OTHER_ROLES:
            self.report.add(
                "MF1306", place, f"the role `{name}` is not one of an `agent` step", _OTHER_ROLES[name]
            )
        elif name and name not in _ROLES:
            self.report.add("MF1306", place, f"unknown role `{shorten(name)}`{suggestion(name, _ROLES)}")
        known: tuple[RoleName, ...] = get_args(RoleName)
        return next((role for role in known if role == name), "writer")

    def _select(self) -> dict[str, Expression]:
        node = self.fields.mapping("select")
        found: dict[str, Expression] = {}
        for entry in node.entries if node else ():
            check_name(entry.key, entry.place, "`select`", self.report)
            expression = self.uses.bare(entry.value, f"select.{entry.key}")
            if expression:
                found[entry.key] = expression
        return found

    def _schema(self) -> tuple[str, Place] | None:
        node = self.fields.mapping("output")
        if node is None:
            return None
        inner = Fields(node, "`output`", self.report)
        name = inner.text("schema", required=True)
        inner.close()
        return (name, inner.place_of_value("schema")) if name else None

    def _verify(self) -> StepShape:
        common = self._common()
        subject = self.fields.text("verify", required=True)
        if subject:
            self.mentions.append(Mention(subject, self.fields.place_of_value("verify"), "verify"))
        back_to, most = self._on_fail()
        reader = RulesReader(self.fields, self.uses, self.report)
        rules = reader.read()
        self.places.update(reader.places)
        self.spots.update(reader.spots)
        step = VerifyStep.model_validate(
            {**common, "subject": subject, "rules": rules, "back_to": back_to, "most": most}
        )
        return self._shape(step)

    def _on_fail(self) -> tuple[str, int]:
        node = self.fields.mapping("on_fail")
        if node is None:
            return "", 2
        inner = Fields(node, "`on_fail`", self.report)
        back_to = inner.text("back_to", required=True)
        if back_to:
            self.mentions.append(Mention(back_to, inner.place_of_value("back_to"), "back_to"))
        most = inner.integer("max", least=1, most=10, default=2)
        inner.close()
        return back_to, most

    def _map(self) -> StepShape:
        common = self._common()
        name = self.fields.text("as") or "item"
        check_name(name, self.fields.place_of_value("as"), "`as`", self.report)
        if name in _TAKEN:
            message = f"`as`: `{name}` means something else in expressions"
            self.report.add("MF1310", self.fields.place_of_value("as"), message, "Choose another name.")
        over = self._bare("map", ("array",))
        steps = self.fields.mapping("steps", required=True)
        inner = read_level(steps, self.report) if steps else Level((), {})
        seen = len(self.uses.found)
        outputs = self._values("outputs")
        step = MapStep.model_validate(
            {
                **common,
                "over": over or Expression(text="[]", place=self.entry.place),
                "name": name,
                "parallel": self.fields.integer("parallel", least=1, most=32, default=4),
                "steps": (),
                "outputs": outputs,
                "on_item_failure": self.fields.choice("on_item_failure", ("fail", "continue"), "continue"),
            }
        )
        found = self.uses.found
        return StepShape(
            step, tuple(self.mentions), tuple(found[:seen]), inner=inner, inner_uses=tuple(found[seen:])
        )

    def _approve(self) -> StepShape:
        common = self._common()
        step = ApproveStep.model_validate(
            {**common, "prompt": self._prose("approve"), "shows": self._mention("shows")}
        )
        return self._shape(step)


def read_voice(fields: Fields, report: Report) -> JsonObject:
    """Return the fixed values under `voice`."""
    node = fields.mapping("voice")
    if node is None:
        return {}
    if has_hole(node):
        report.add(
            "MF1209", node.place, "`voice` is fixed text and takes no `${{ }}`", "Use `with` for what varies."
        )
    value = plain(node)
    return dict(value) if isinstance(value, dict) else {}
