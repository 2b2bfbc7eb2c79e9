"""The cases under `tests`: what they become, and every mistake at its exact place."""

from pathlib import Path

import pytest
from mendflow.connectors.catalogue import tools_of
from mendflow.graph.language.compiler import compile_text
from mendflow.graph.language.diagnostics import InvalidWorkflow
from mendflow.graph.language.plan import Case, Expected, Expression, Place, Plan

HEAD = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: w, version: "1"}
inputs: {email: {type: string}, n: {type: integer, default: 1}}
connections: {piggy: {connector: piggy}}
steps:
  member: {call: piggy.contacts.find_or_create, with: {email: "${{ inputs.email }}"}}
  all:
    map: "[1]"
    steps: {inner: {call: piggy.shops.list}}
"""


def compiled(text: str) -> Plan:
    """Return the plan of the workflow with these tests."""
    return compile_text(HEAD + text, file="w.yaml", folder=Path(), catalogue=tools_of)


def test_a_case_is_read_whole() -> None:
    """Each key becomes a field; what is not written is not looked at."""
    plan = compiled(
        "tests:\n"
        "  - name: one-case\n"
        "    inputs: {email: a@b.nl, n: 2}\n"
        "    faults: [slow@shops.list:2]\n"
        "    expect:\n"
        "      status: parked\n"
        "      outputs: {x: [1, {y: z}]}\n"
        "      effects: {contacts.find_or_create: 0}\n"
        "      heals: {timeout: 2}\n"
        "      parked: [member, 'all[0].inner']\n"
        "      failed: []\n"
        "      holds: [inputs.n == 2, size(parked) > 0]\n"
        "  - {name: other, inputs: {email: a@b.nl}, expect: {holds: status != 'failed'}}\n"
    )

    def at(line: int, column: int) -> Place:
        return Place(file="w.yaml", line=line, column=column)

    assert plan.tests == (
        Case(
            name="one-case",
            inputs={"email": "a@b.nl", "n": 2},
            faults=("slow@shops.list:2",),
            expected=Expected(
                status="parked",
                outputs={"x": [1, {"y": "z"}]},
                effects={"contacts.find_or_create": 0},
                heals={"timeout": 2},
                parked=("member", "all[0].inner"),
                failed=(),
                holds=(
                    Expression(text="inputs.n == 2", place=at(22, 15)),
                    Expression(text="size(parked) > 0", place=at(22, 30)),
                ),
            ),
            place=at(12, 5),
        ),
        Case(
            name="other",
            inputs={"email": "a@b.nl"},
            expected=Expected(holds=(Expression(text="status != 'failed'", place=at(23, 60)),)),
            place=at(23, 5),
        ),
    )


GIVEN = "inputs: {email: a}"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("tests: «7", "MF1103 `tests`: found the number 7, expected a list of cases"),
        (
            "tests: [«7]",
            "MF1103 a case of `tests`: found the number 7, expected a mapping of keys and values",
        ),
        (
            f"tests: [«{{{GIVEN}, expect: {{status: failed}}}}]",
            "MF1102 `name` is missing in a case of `tests`",
        ),
        (f"tests: [«{{name: a, {GIVEN}}}]", "MF1102 `expect` is missing in the case `a`"),
        (
            f"tests: [{{name: a, {GIVEN}, expect: «{{}}}}]",
            "MF1102 `expect` is empty, expected at least `status`",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, «fault: [], expect: {{status: failed}}}}]",
            "MF1101 unknown key `fault` in the case `a`; did you mean `faults`?",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{«stat: failed}}}}]",
            "MF1101 unknown key `stat` in `expect`; did you mean `status`?",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{status: «done}}}}]",
            "MF1104 `status`: found `done`, expected one of `completed`, `failed`, `parked`, `waiting`",
        ),
        (
            "tests: [{name: a, inputs: {email: a, «m: 1}, expect: {status: failed}}]",
            "MF1303 unknown input `m`; known: `email`, `n`",
        ),
        (
            "tests: [{name: a, inputs: «{n: 1}, expect: {status: failed}}]",
            "MF1102 the input `email` is missing in the case `a`",
        ),
        (
            "tests: [{name: a, inputs: {email: a, n: «x}, expect: {status: failed}}]",
            'MF1104 input `n`: the value is not of type "integer"',
        ),
        (
            'tests: [{name: a, inputs: {email: «"${{ inputs.n }}"}, expect: {status: failed}}]',
            "MF1209 `email` takes no `${{ }}`",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, faults: [«slo@shops.list], expect: {{status: failed}}}}]",
            "MF1104 `faults`: there is no fault `slo`. Did you mean `slow`",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{effects: {{«contacts.find_or_creat: 1}}}}}}]",
            "MF1104 `effects`: `contacts.find_or_creat` is no operation of this workflow; did you mean `con",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{heals: {{«time_out: 1}}}}}}]",
            "MF1104 `heals`: `time_out` is no kind of fault; did you mean `timeout`?",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{heals: {{timeout: «-1}}}}}}]",
            "MF1106 `timeout`: found -1, expected 0 to 1000000",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{parked: [«'all[0].iner']}}}}]",
            "MF1301 unknown step `all[0].iner`; did you mean `all.inner`?",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{holds: [«output.x == 1]}}}}]",
            "MF1202 unknown name `output`; did you mean `outputs`?",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{holds: [«1 + 1]}}}}]",
            "MF1207 `holds`: the expression gives a whole number, expected true or false",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{holds: ['steps.«member.output == 1']}}}}]",
            "MF1301 unknown step `member`; there are none",
        ),
        (
            f'tests: [{{name: a, {GIVEN}, expect: {{outputs: «{{x: "${{{{ 1 }}}}"}}}}}}]',
            "MF1209 `outputs` takes no `${{ }}`",
        ),
        (
            f"tests: [{{name: a, {GIVEN}, expect: {{status: failed}}}}, «{{name: a, {GIVEN}, expect: {{failed: []}}}}]",
            "MF1310 the case `a` is given twice in `tests`",
        ),
    ],
)
def test_a_mistake_is_found_at_its_place(text: str, mistake: str) -> None:
    """One mistake, where the `«` stands, in words that say what was expected."""
    with pytest.raises(InvalidWorkflow) as caught:
        compiled(text.replace("«", ""))
    (found,) = caught.value.mistakes
    code, _, message = mistake.partition(" ")
    assert (found.place.column, found.code) == (text.index("«") + 1, code)
    assert found.message.startswith(message)
