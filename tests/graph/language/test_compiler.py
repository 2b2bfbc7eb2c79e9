"""From a file to a plan, and from given inputs to checked ones."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from mendflow.connectors.contract import ConnectionSettings, CredentialSource, JsonObject, ToolSpec
from mendflow.connectors.errors import InvalidUse
from mendflow.graph.language.compiler import check_inputs, load
from mendflow.graph.language.diagnostics import InvalidInputs, InvalidWorkflow
from mendflow.graph.language.plan import (
    AgentStep,
    ApproveStep,
    CallStep,
    Expression,
    InputSpec,
    Literally,
    MapStep,
    OnPark,
    Place,
    Plan,
    Rule,
    Template,
    VerifyStep,
)
from mendflow.verifier.budget import EffectBudget
from mendflow.verifier.rules import ForbidRule, LengthRule, LinksRule, RequireRule, SchemaRule, Span
from pydantic import JsonValue

Compile = Callable[[str], Plan]
Catalogue = Callable[[ConnectionSettings], Mapping[str, ToolSpec]]

_TOP = 'apiVersion: mendflow/v1\nkind: Workflow\nmetadata: {name: w, version: "1"}\n'


def _at(line: int, column: int, file: str = "w.yaml") -> Place:
    return Place(file=file, line=line, column=column)


def _cel(text: str, line: int, column: int) -> Expression:
    return Expression(text=text, place=_at(line, column))


def test_the_example_becomes_this_plan(compiled: Compile, example: str) -> None:
    """The whole plan of the documented example, with every place."""
    assert compiled(example) == Plan(
        name="welcome-bonus",
        version="1.0.0",
        inputs={
            "email": InputSpec(name="email", rule={"type": "string", "format": "email"}, place=_at(5, 3)),
            "shop": InputSpec(name="shop", rule={"type": "string"}, place=_at(6, 3)),
            "credits": InputSpec(
                name="credits",
                rule={"type": "integer", "minimum": 1, "maximum": 500},
                default=50,
                required=False,
                place=_at(7, 3),
            ),
        },
        connections={
            "piggy": ConnectionSettings(
                name="piggy",
                connector="piggy",
                credential=CredentialSource(env="PIGGY_API_KEY"),
                folder="flows",
            )
        },
        models={"research": "openai:gpt-5.5", "write": "anthropic:claude-opus-4-7"},
        steps=(
            CallStep(
                id="prepare_piggy",
                place=_at(9, 3),
                connection="piggy",
                operation="loyalty_transaction_attributes.create",
                arguments={
                    "name": Literally(value="mendflow_slot"),
                    "label": Literally(value="mendflow slot"),
                    "type": Literally(value="text"),
                },
                prepares=True,
            ),
            CallStep(
                id="member",
                place=_at(12, 3),
                places={"call": _at(12, 12), "with": _at(12, 49), "with.email": _at(12, 56)},
                connection="piggy",
                operation="contacts.find_or_create",
                arguments={"email": _cel("inputs.email", 12, 68)},
            ),
            AgentStep(
                id="brief",
                place=_at(13, 3),
                places={"agent": _at(14, 5), "model": _at(15, 5), "tools": _at(16, 5), "goal": _at(17, 5)},
                role="researcher",
                model="openai:gpt-5.5",
                goal=Template(parts=("Find what ", _cel("inputs.email", 17, 26), " may like.")),
                tools=(("piggy", "perks.list"),),
            ),
            AgentStep(
                id="letter",
                needs=("brief",),
                place=_at(18, 3),
                places={
                    "agent": _at(18, 12),
                    "model": _at(18, 27),
                    "goal": _at(18, 41),
                    "from": _at(18, 57),
                    "output": _at(18, 72),
                    "output.schema": _at(1, 1, "letter.schema.json"),
                },
                role="writer",
                model="anthropic:claude-opus-4-7",
                goal=Literally(value="Write."),
                sources=("brief",),
                output_schema={"type": "object", "required": ["body"]},
            ),
            VerifyStep(
                id="review",
                needs=("letter",),
                place=_at(19, 3),
                places={
                    "verify": _at(20, 5),
                    "rules": _at(21, 5),
                    "rules.length": _at(22, 9),
                    "rules.length.expect": _at(22, 22),
                    "rules.tone": _at(23, 9),
                    "rules.tone.judge": _at(23, 20),
                    "rules.tone.rubric": _at(23, 34),
                    "on_fail": _at(24, 5),
                    "on_fail.back_to": _at(24, 15),
                    "on_fail.max": _at(24, 32),
                },
                subject="letter",
                rules=(
                    Rule(id="length", expect=_cel("size(draft.body) < 600", 22, 31)),
                    Rule(id="tone", judge="anthropic:claude-opus-4-7", rubric="Warm."),
                ),
                back_to="letter",
                most=2,
            ),
            CallStep(
                id="award",
                needs=("prepare_piggy", "review", "member"),
                place=_at(25, 3),
                places={
                    "call": _at(26, 5),
                    "needs": _at(27, 5),
                    "once": _at(28, 5),
                    "with": _at(29, 5),
                    "with.contact_uuid": _at(30, 7),
                    "with.shop_uuid": _at(31, 7),
                    "with.credits": _at(32, 7),
                    "expect": _at(33, 5),
                },
                connection="piggy",
                operation="credit_receptions.create",
                arguments={
                    "contact_uuid": _cel("steps.member.output.uuid", 30, 26),
                    "shop_uuid": _cel("inputs.shop", 31, 23),
                    "credits": _cel("inputs.credits", 32, 21),
                },
                once=_cel("inputs.email", 28, 12),
                expect=_cel("output.credits == inputs.credits", 33, 14),
            ),
        ),
        outputs={"reception": _cel("steps.award.output.uuid", 34, 27)},
        files={"w.yaml": example, "letter.schema.json": '{"type": "object", "required": ["body"]}'},
    )


def test_a_map_needs_what_its_steps_need_outside(compiled: Compile) -> None:
    """Inner steps see the outer ones; the order that this implies is the map's, markers included."""
    plan = compiled(
        _TOP
        + """\
inputs: {shop: {type: string}}
connections: {piggy: {connector: piggy, timeout: 500ms, settle: 0.3s, credential: {file: key.txt}}}
voice: {tone: warm, signature: Us}
steps:
  rows: {agent: researcher, goal: hi}
  one: {agent: writer, goal: hi, voice: {tone: dry}}
  each:
    map: steps.rows.output
    as: row
    parallel: 2
    steps:
      letter: {agent: writer, goal: "${{ row.name }} ${{ index }}", from: [one]}
      award:
        call: piggy.credit_receptions.create
        with:
          contact_uuid: "${{ row.id }}"
          shop_uuid: "${{ inputs.shop }}"
          credits: 5
          labels: ["${{ row.l }}"]
        needs: [letter]
    outputs: {text: "${{ steps.letter.output.body }}", all: "${{ size(steps.rows.output) }}"}
"""
    )
    assert plan.connections["piggy"] == ConnectionSettings(
        name="piggy",
        connector="piggy",
        credential=CredentialSource(file="flows/key.txt"),
        timeout=timedelta(milliseconds=500),
        settle=timedelta(seconds=0.3),
        folder="flows",
    )
    assert [(step.id, step.needs) for step in plan.steps] == [
        ("prepare_piggy", ()),
        ("rows", ()),
        ("one", ()),
        ("each", ("prepare_piggy", "rows", "one")),
    ]
    rows, one, each = plan.steps[1:]
    assert isinstance(rows, AgentStep)
    assert isinstance(one, AgentStep)
    assert isinstance(each, MapStep)
    assert [(step.id, step.needs) for step in each.steps] == [("letter", ()), ("award", ("letter",))]
    letter = each.steps[0]
    assert isinstance(letter, AgentStep)
    assert (rows.voice, one.voice, letter.voice) == (
        {},
        {"tone": "dry", "signature": "Us"},
        {"tone": "warm", "signature": "Us"},
    )
    assert (one.places["voice.tone"], letter.places["voice.tone"]) == (_at(9, 42), _at(6, 9))
    assert (rows.model, each.parallel, each.name) == ("offline", 2, "row")


def test_a_blind_write_compiles_after_an_approval(compiled: Compile) -> None:
    """A person who has approved, however early, stands for the key that a write lacks; also for a map."""
    plan = compiled(
        _TOP
        + """\
connections: {piggy: {connector: piggy}}
steps:
  draft: {agent: writer, goal: hi}
  ask: {approve: "Send?", shows: [draft]}
  pause: {agent: writer, goal: hi, needs: [ask]}
  all:
    map: "['a', 'b']"
    needs: [pause]
    steps: {send: {call: piggy.PIGGY_SEND_CONTACT_VERIFICATION_EMAIL, with: {email: "${{ item }}"}}}
  keyed: {call: piggy.PIGGY_SEND_CONTACT_VERIFICATION_EMAIL, once: "'k'", with: {email: a}}
"""
    )
    ask = plan.steps[1]
    assert isinstance(ask, ApproveStep)
    assert (ask.prompt, ask.shows, ask.needs) == (Literally(value="Send?"), ("draft",), ("draft",))


@pytest.mark.parametrize("tool", ["vouchers.batch", "contacts.claim", "contact_verification.send"])
def test_a_person_may_allow_a_repetition(tool: str, compiled: Compile) -> None:
    """`may_repeat: true` stands for the key or the approval that an unprovable write lacks."""
    step = f"steps: {{a: {{call: piggy.{tool}, may_repeat: true, with: {{email: a}}}}}}\n"
    (call,) = compiled(_TOP + "connections: {piggy: {connector: piggy}}\n" + step).steps
    assert call == CallStep(
        id="a",
        place=_at(5, 9),
        places={
            "call": _at(5, 13),
            "may_repeat": _at(5, 13 + len(f"call: piggy.{tool}, ")),
            "with": _at(5, 13 + len(f"call: piggy.{tool}, may_repeat: true, ")),
            "with.email": _at(5, 13 + len(f"call: piggy.{tool}, may_repeat: true, with: {{")),
        },
        connection="piggy",
        operation=tool,
        arguments={"email": Literally(value="a")},
        may_repeat=True,
    )


_AWARD = """\
connections: {piggy: {connector: piggy}}
steps:
  each:
    map: "['a', 'b']"
    steps:
      award: {call: piggy.credit_receptions.create, with: {contact_uuid: "${{ item }}", shop_uuid: s, credits: 5}}
"""


def test_a_budget_is_part_of_the_plan(compiled: Compile) -> None:
    """Each bound is kept as it is written; the writes inside a map are those that it counts."""
    bounds = "budgets: {effects: {count: 500, per_recipient: 3, sum: {credits: 10000}}}\n"
    assert compiled(_TOP + _AWARD + bounds).budgets == EffectBudget(
        count=500, per_recipient=3, sums={"credits": 10_000}
    )
    assert compiled(_TOP + _AWARD).budgets == EffectBudget()


def test_a_sum_may_name_an_argument_beyond_the_contract(compiled: Compile) -> None:
    """Where a tool takes further arguments, one that the step gives can be added up."""
    head = _TOP + "connections: {piggy: {connector: piggy}}\n"
    step = "steps: {a: {call: piggy.vouchers.batch, once: \"'k'\", with: {email: a, quantity: 5}}}\n"
    bounds = "budgets: {effects: {sum: {quantity: 100}}}\n"
    assert compiled(head + step + bounds).budgets == EffectBudget(sums={"quantity": 100})


def test_a_bound_is_not_blamed_for_an_unknown_tool(mistakes: Callable[[str], list[str]]) -> None:
    """As long as a tool or a step is not known, nobody can say what a bound would have counted."""
    bounds = "budgets: {effects: {per_recipient: 3, sum: {credits: 10000}}}\n"
    unknown = _AWARD.replace("credit_receptions.create", "credit_receptions.creat")
    assert mistakes(_TOP + unknown + bounds) == ["9:21 MF1401"]
    assert mistakes(_TOP + _AWARD.replace("call:", "cal:") + bounds) == ["9:7 MF1107"]


def test_who_is_told_is_part_of_the_plan(compiled: Compile) -> None:
    """A program with a slash stands beside the workflow, a bare one on the path; addresses stay as they are."""
    told = {
        "{command: [./notify.sh, --to, ../ops]}": OnPark(
            command=(str(Path("flows/notify.sh").absolute()), "--to", "../ops")
        ),
        "{command: [/bin/notify]}": OnPark(command=("/bin/notify",)),
        "{command: [notify, '']}": OnPark(command=("notify", "")),
        "{webhook: 'https://hooks.example.com/a?b=c'}": OnPark(webhook="https://hooks.example.com/a?b=c"),
        "{webhook: 'http://localhost:8080/'}": OnPark(webhook="http://localhost:8080/"),
        "{webhook: 'http://127.0.0.2'}": OnPark(webhook="http://127.0.0.2"),
        "{webhook: 'http://[::1]:1/x'}": OnPark(webhook="http://[::1]:1/x"),
    }
    step = _TOP + "steps: {a: {agent: writer, goal: hi}}\n"
    assert {text: compiled(f"{step}on_park: {text}\n").on_park for text in told} == told
    assert compiled(step).on_park is None


def test_an_address_that_may_be_a_secret_is_not_repeated(compiled: Compile) -> None:
    """Many vendors put a secret into the address that is posted to, so no mistake shows it."""
    step = _TOP + "steps: {a: {agent: writer, goal: hi}}\n"
    for written in (
        "http://h/271828",
        "https://271828@h",
        "'https://h/271828 ${{ 1 }}'",
        "[271828]",
        "271828",
    ):
        with pytest.raises(InvalidWorkflow) as caught:
            compiled(f"{step}on_park: {{webhook: {written}}}\n")
        assert "271828" not in f"{caught.value} {caught.value.help} {caught.value.mistakes!r}"


def test_a_mistake_is_shown_with_place_code_and_words(tmp_path: Path, catalogue: Catalogue) -> None:
    """The file is named as the user gave it, the place counts from 1, and the nearest name is offered."""
    path = tmp_path / "flow.yaml"
    path.write_text(_TOP + "steps:\n  a: {agent: writer, goal: hi, neds: [b]}\n", encoding="utf-8")
    with pytest.raises(InvalidWorkflow) as caught:
        load(path, catalogue)
    assert str(caught.value) == f"{path}:5:32: MF1101 unknown key `neds` in step `a`; did you mean `needs`?"
    assert caught.value.help == "Keys that begin with `x-` are ignored."


def test_secrets_in_a_file_are_not_repeated(compiled: Compile) -> None:
    """A secret that stands in a workflow is refused without being shown again."""
    text = (
        _TOP
        + "steps: {a: {agent: writer, goal: hi}}\nconnections: {c: {connector: piggy, credential: KEY}}\n"
    )
    for written in ("sk-hush", "{env: sk-hush}", "{token: sk-hush}", "[sk-hush]", "{env: [sk-hush]}"):
        with pytest.raises(InvalidWorkflow) as caught:
            compiled(text.replace("KEY", written))
        assert "hush" not in f"{caught.value} {caught.value.help} {caught.value.mistakes!r}"


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    """Files that are not there, are folders, or hold no text are refused by name."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    reasons = {
        tmp_path / "none.yaml": "there is no such file",
        tmp_path: "Is a directory",
        binary: "it is not a text in UTF-8",
    }
    for path, reason in reasons.items():
        with pytest.raises(InvalidUse) as caught:
            load(path, catalogue)
        assert str(caught.value) == f"the workflow `{path}` cannot be read: {reason}"


def test_files_named_by_steps_are_read_beside_the_workflow(tmp_path: Path, catalogue: Catalogue) -> None:
    """A schema's text becomes part of the plan, and its mistakes stand at its own place."""
    path = tmp_path / "flow.yaml"
    step = "steps: {a: {agent: writer, goal: hi, output: {schema: in/a.json}}}\n"
    path.write_text(_TOP + step, encoding="utf-8")
    schema = tmp_path / "in" / "a.json"
    schema.parent.mkdir()
    schema.write_text('{"type":\n ]', encoding="utf-8")
    with pytest.raises(InvalidWorkflow, match=r"a\.json:2:2: MF1112 this is not JSON"):
        load(path, catalogue)
    schema.write_text('{"type": "letter"}', encoding="utf-8")
    with pytest.raises(InvalidWorkflow, match=r"a\.json:1:1: MF1112 this is not a JSON Schema"):
        load(path, catalogue)
    schema.write_text('{"type": "object"}', encoding="utf-8")
    assert load(path, catalogue).files == {str(path): _TOP + step, "in/a.json": '{"type": "object"}'}


_INPUTS = (
    _TOP
    + """\
inputs:
  email: {type: string, format: email}
  day: {type: string, format: date, default: "2026-01-02"}
  credits: {type: integer, minimum: 1, default: 5}
  price: {type: number, default: 2}
  loud: {type: boolean, default: false}
  tags: {type: array, default: []}
  note: {type: string, default: null}
steps: {a: {agent: writer, goal: hi}}
"""
)


def test_inputs_are_filled_in_and_converted(compiled: Compile) -> None:
    """Defaults fill gaps, texts become what is declared, and numbers have one form each."""
    given: dict[str, JsonValue] = {
        "email": "a@b.c",
        "credits": "7",
        "price": "3",
        "loud": "true",
        "tags": '["x"]',
    }
    checked = check_inputs(compiled(_INPUTS), given)
    assert checked == {
        "email": "a@b.c",
        "day": "2026-01-02",
        "credits": 7,
        "price": 3.0,
        "loud": True,
        "tags": ["x"],
        "note": None,
    }
    assert isinstance(checked["price"], float)
    assert check_inputs(compiled(_INPUTS), {"email": "a@b.c"})["price"] == 2.0


def test_all_mistakes_of_inputs_come_at_once(compiled: Compile) -> None:
    """Each input is named with what was found and what was expected."""
    given: dict[str, JsonValue] = {
        "credit": 1,
        "day": "soon",
        "credits": "0",
        "loud": "yes",
        "tags": {"a": 1},
    }
    with pytest.raises(InvalidInputs) as caught:
        check_inputs(compiled(_INPUTS), given)
    assert str(caught.value).splitlines() == [
        "input `credit`: the workflow has no such input; did you mean `credits`?",
        "input `email`: it is missing, expected string",
        'input `day`: the text `soon` is not a "date"',
        "input `credits`: `0` is less than the minimum of 1",
        'input `loud`: the text `yes` is not of type "boolean"',
        'input `tags`: a part of it is not of type "array"',
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("email", "a\udcff@b.cz"), ("credits", "1" + "0" * 30), ("note", "\ud800")]
)
def test_what_cannot_be_written_down_is_no_input(compiled: Compile, name: str, value: str) -> None:
    """A number beyond 64 bit and a text that is no Unicode are refused in words, not with a stack trace."""
    with pytest.raises(InvalidInputs) as caught:
        check_inputs(compiled(_INPUTS), {"email": "a@b.c", name: value})
    assert (
        str(caught.value) == f"input `{name}`: it holds a number beyond 64 bit, or a sign that is no Unicode"
    )


def test_rules_become_data(compiled: Compile, example: str) -> None:
    """Each declared rule of a `verify` step stands in the plan as data, a schema with its document."""
    rules = """\
      - {id: size, length: {characters: {min: 80, max: 600}, words: {max: 120}}}
      - {id: sign, require: [Your record shop], field: body}
      - {id: pushy, forbid: [act now]}
      - {id: hosts, links: {hosts: [shop.example]}}
      - {id: form, schema: letter.schema.json}
"""
    plan = compiled(example.replace('      - {id: tone, judge: write, rubric: "Warm."}\n', rules))
    review = next(step for step in plan.steps if isinstance(step, VerifyStep))
    document: JsonObject = {"type": "object", "required": ["body"]}

    assert [rule.check for rule in review.rules] == [
        None,
        LengthRule(characters=Span(least=80, most=600), words=Span(most=120)),
        RequireRule(field="body", texts=("Your record shop",)),
        ForbidRule(texts=("act now",)),
        LinksRule(hosts=("shop.example",)),
        SchemaRule(file="letter.schema.json", document=document),
    ]
    assert (review.places["rules.size.length"], review.places["rules.sign.field"]) == (
        _at(23, 20),
        _at(24, 49),
    )


def test_the_mistakes_of_all_rules_come_at_once(mistakes: Callable[[str], list[str]], example: str) -> None:
    """Of several broken rules each is told, and a schema that is none at its own place."""
    rules = """\
      - {id: size, lenght: {characters: {max: 600}}}
      - {id: size, length: {word: {max: 5}}}
      - {id: form, schema: odd.json}
"""
    text = example.replace('      - {id: tone, judge: write, rubric: "Warm."}\n', rules)

    assert sorted(mistakes(text)) == ["1:1 MF1112", "23:20 MF1101", "24:29 MF1101", "24:9 MF1310"]
