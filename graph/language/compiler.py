"""The way into the language: from a file to a Plan, and from given inputs to checked ones."""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

import orjson
from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ...connectors.errors import InvalidUse
from ...verifier.rules import SchemaRule
from .cases import Cases
from .diagnostics import InputMistake, InvalidInputs, InvalidWorkflow, Report, suggestion
from .draft_fields import check_fields
from .meaning import Meaning, Sight
from .plan import AgentStep, CallStep, InputSpec, Literally, MapStep, Place, Plan, Step, VerifyStep
from .reader import read, shorten
from .schemas import UNPLAIN, complaints, flaw_of_schema, is_plain, settled
from .shape import Shape, read_shape
from .steps import Level
from .tools import Catalogue, Preparation, Tools


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, UnicodeDecodeError):
        return "it is not a text in UTF-8"
    return error.strerror or "the system gives no reason"


def load(path: Path, catalogue: Catalogue) -> Plan:
    """Return the plan of a workflow file.

    Raises InvalidUse when the file cannot be read and InvalidWorkflow when it has mistakes.
    """
    try:
        text = _read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        message = f"the workflow `{path}` cannot be read: {_reason(error)}"
        raise InvalidUse(message, help="Give the path of a workflow file.") from error
    return compile_text(text, file=str(path), folder=path.parent, catalogue=catalogue)


def compile_text(
    text: str,
    *,
    file: str,
    folder: Path,
    catalogue: Catalogue,
    read_file: Callable[[Path], str] = _read_text,
) -> Plan:
    """Return the plan that a workflow's text means; raise InvalidWorkflow with all its mistakes.

    `file` is the name used in messages and places; files that the text names are read relative to `folder`.
    """
    report = Report()
    root = read(text, file, report)
    if root is None:
        raise InvalidWorkflow(report.mistakes)
    shape = read_shape(root, folder, report)
    meaning = Meaning(report, shape.inputs, shape.models)
    sight = Sight(shape.inputs)
    steps, _ = meaning.level(shape.level, sight)
    meaning.outputs(shape.output_uses, shape.level, sight)
    tools = Tools(shape.connections, catalogue, meaning.kinds, report)
    tools.ask_all()
    steps, wanted = tools.level(shape.level, steps, approved=False)
    tools.bounds(shape.budgets, shape.budget_places)
    steps = _prepared(steps, wanted, shape, report)
    files = {file: text}
    schemas = _Schemas(folder, file, read_file, files, report)
    steps = schemas.level(shape.level, steps)
    check_fields(shape.level, steps, report)
    tests = Cases(report, meaning, shape.inputs, steps).read(shape.tests)
    report.refuse()
    return Plan(
        name=shape.name,
        version=shape.version,
        inputs=shape.inputs,
        connections={name: connection.settings for name, connection in shape.connections.items()},
        models=shape.models,
        steps=_voiced(steps, shape),
        outputs=shape.outputs,
        budgets=shape.budgets,
        on_park=shape.on_park,
        tests=tests,
        files=files,
    )


def _prepared(
    steps: tuple[Step, ...], wanted: Mapping[str, list[Preparation]], shape: Shape, report: Report
) -> tuple[Step, ...]:
    """Return the steps with those added that make the markers of connections trustworthy."""
    ids: dict[Preparation, str] = {}
    for preparation in (one for several in wanted.values() for one in several):
        if preparation not in ids:
            same = sum(known.connection == preparation.connection for known in ids)
            name = f"prepare_{preparation.connection.replace('-', '_')}" + (f"_{same + 1}" if same else "")
            ids[preparation] = name
            if name in shape.level.ids:
                message = f"step `{name}` has the name of a step that is added to prepare the connection"
                report.add("MF1310", shape.level.ids[name], message, "Choose another name.")
    added = [_preparing(one, name, shape) for one, name in ids.items()]
    ordered = []
    for step in steps:
        first = dict.fromkeys(ids[one] for one in wanted.get(step.id, ()))
        ordered.append(step.model_copy(update={"needs": (*first, *step.needs)}) if first else step)
    return (*added, *ordered)


def _preparing(preparation: Preparation, name: str, shape: Shape) -> CallStep:
    return CallStep(
        id=name,
        place=shape.connections[preparation.connection].place,
        connection=preparation.connection,
        operation=preparation.operation,
        arguments={key: Literally(value=value) for key, value in preparation.arguments},
        prepares=True,
    )


def _voiced(steps: tuple[Step, ...], shape: Shape) -> tuple[Step, ...]:
    """Return the steps with the workflow's voice given to every writer; a step's own words come first."""
    if not shape.voice:
        return steps
    voiced: list[Step] = []
    for step in steps:
        if isinstance(step, MapStep):
            voiced.append(step.model_copy(update={"steps": _voiced(step.steps, shape)}))
        elif isinstance(step, AgentStep) and step.role == "writer":
            update = {
                "voice": {**shape.voice, **step.voice},
                "places": {**shape.voice_places, **step.places},
            }
            voiced.append(step.model_copy(update=update))
        else:
            voiced.append(step)
    return tuple(voiced)


class _Schemas:
    """Reads the files that steps name as the schemas of their outputs, and rules as those of drafts."""

    def __init__(
        self,
        folder: Path,
        file: str,
        read_file: Callable[[Path], str],
        files: dict[str, str],
        report: Report,
    ) -> None:
        self.folder = folder
        self.beside = Path(file).parent
        self.read_file = read_file
        self.files = files
        self.report = report

    def level(self, level: Level, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Return the steps with the schemas of their outputs and rules."""
        shapes = {shape.step.id: shape for shape in level.steps}
        found: list[Step] = []
        for step in steps:
            shape = shapes.get(step.id)
            if isinstance(step, MapStep) and shape and shape.inner:
                found.append(step.model_copy(update={"steps": self.level(shape.inner, step.steps)}))
            elif isinstance(step, AgentStep) and shape and shape.schema:
                found.append(self._with_schema(step, *shape.schema))
            elif isinstance(step, VerifyStep) and shape:
                found.append(self._with_rules(step, shape.spots))
            else:
                found.append(step)
        return tuple(found)

    def _with_schema(self, step: AgentStep, name: str, place: Place) -> AgentStep:
        schema = self._schema(name, place)
        if schema is None:
            return step
        inside = Place(file=str(self.beside / name), line=1, column=1)
        return step.model_copy(
            update={"output_schema": schema, "places": {**step.places, "output.schema": inside}}
        )

    def _with_rules(self, step: VerifyStep, spots: Mapping[str, Place]) -> VerifyStep:
        rules = []
        for rule in step.rules:
            place = spots.get(f"rules.{rule.id}.schema", step.place)
            document = self._schema(rule.check.file, place) if isinstance(rule.check, SchemaRule) else None
            if isinstance(rule.check, SchemaRule) and document is not None:
                check = rule.check.model_copy(update={"document": document})
                rules.append(rule.model_copy(update={"check": check}))
            else:
                rules.append(rule)
        return step.model_copy(update={"rules": tuple(rules)})

    def _schema(self, name: str, place: Place) -> JsonObject | None:
        text = self._text(name, place)
        if text is None:
            return None
        inside = Place(file=str(self.beside / name), line=1, column=1)
        try:
            schema: JsonValue = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            at = Place(file=inside.file, line=error.lineno, column=error.colno)
            self.report.add("MF1112", at, f"this is not JSON: {error.msg}")
            return None
        flaw = flaw_of_schema(schema)
        if flaw or not isinstance(schema, dict):
            self.report.add("MF1112", inside, f"this is not a JSON Schema: {flaw}")
            return None
        return schema

    def _text(self, name: str, place: Place) -> str | None:
        parts = PurePath(name)
        if parts.is_absolute() or ".." in parts.parts or "\0" in name:
            message = f"the file `{shorten(name)}` stands outside the workflow's folder"
            self.report.add("MF1111", place, message, "Keep it beside the workflow, or in a folder below.")
            return None
        if name in self.files:
            return self.files[name]
        try:
            self.files[name] = self.read_file(self.folder / name)
        except (OSError, UnicodeDecodeError) as error:
            message = f"the file `{shorten(name)}` cannot be read: {_reason(error)}"
            self.report.add("MF1111", place, message)
            return None
        return self.files[name]


def check_inputs(plan: Plan, given: Mapping[str, JsonValue]) -> JsonObject:
    """Return the inputs of a run: defaults filled in, texts converted to the declared types, all checked.

    Raises InvalidInputs with every mistake.
    """
    mistakes: list[InputMistake] = []
    found: JsonObject = {}
    for name in given:
        if name not in plan.inputs:
            message = f"the workflow has no such input{suggestion(name, plan.inputs)}"
            mistakes.append(InputMistake(name=shorten(name), message=message))
    for name, spec in plan.inputs.items():
        if name not in given:
            found[name] = spec.default
            if spec.required:
                expected = spec.rule.get("type", "a value")
                mistakes.append(InputMistake(name=name, message=f"it is missing, expected {expected}"))
            continue
        value = settled(_converted(given[name], spec), spec.rule)
        if not is_plain(value):
            mistakes.append(InputMistake(name=name, message=UNPLAIN))
            continue
        found[name] = value
        if value is None and not spec.required and spec.default is None:
            continue
        mistakes += [
            InputMistake(name=name, message=complaint.message)
            for complaint in complaints(value, spec.rule, mask=_shown(value))
        ]
    if mistakes:
        raise InvalidInputs(mistakes)
    return found


def _converted(value: JsonValue, spec: InputSpec) -> JsonValue:
    """Return a text from the command line as a value of the declared type, or as it is when it is none."""
    kind = spec.rule.get("type")
    if not isinstance(value, str) or kind == "string":
        return value
    try:
        parsed: JsonValue = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return value if isinstance(parsed, str) else parsed


def _shown(value: JsonValue) -> str:
    """Return how a value is shown in a message; long ones and those with many parts are not."""
    match value:
        case str():
            return f"the text `{shorten(value)}`"
        case None | bool() | int() | float():
            return f"`{orjson.dumps(value).decode()}`"
        case _:
            return "a part of it"
