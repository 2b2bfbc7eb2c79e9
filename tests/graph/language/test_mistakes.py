"""Every kind of mistake, found at its exact place. A `«` in a text stands where the mistake is expected."""

from collections.abc import Callable

import pytest
from mendflow.graph.language.diagnostics import CODES

Mistakes = Callable[[str], list[str]]

_TOP = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: w, version: "1"}
"""
_HEAD = (
    _TOP
    + """\
inputs: {n: {type: integer}, s: {type: string}, f: {type: number, default: 1}}
connections: {piggy: {connector: piggy}}
models: {smart: "openai:gpt-5.5"}
"""
)
_OK = "steps: {a: {agent: writer, goal: hi}}\n"

_WHOLE_FILES = [
    ("MF1001", "a: [«"),
    ("MF1001", "a: «@x"),
    ("MF1001", "a: b\nc: «\x07"),
    ("MF1002", "a:\n«\t- b"),
    ("MF1011", "«"),
    ("MF1011", "«- a"),
    ("MF1010", _TOP + _OK + "«---\na: b\n"),
    ("MF1014", "%YAML 1.1\n«---\n" + _TOP + _OK),
    ("MF1102", "«kind: Workflow\nmetadata: {name: w, version: '1'}\n" + _OK),
    ("MF1104", "apiVersion: «mendflow/v9\nkind: Workflow\nmetadata: {name: w, version: '1'}\n" + _OK),
    ("MF1105", "apiVersion: mendflow/v1\nkind: Workflow\nmetadata: {name: «W W, version: '1'}\n" + _OK),
    ("MF1103", "apiVersion: mendflow/v1\nkind: Workflow\nmetadata: {name: w, version: «1.0}\n" + _OK),
    ("MF1102", "«" + _TOP),
    ("MF1102", _TOP + "steps: «{}\n"),
    ("MF1101", _TOP + _OK + "«step: {}\n"),
    ("MF1103", _TOP + "steps: «[a]\n"),
    ("MF1103", _TOP + _OK + "inputs: {n: «5}\n"),
    ("MF1102", _TOP + _OK + "inputs: {n: «{default: 5}}\n"),
    ("MF1104", _TOP + _OK + "inputs: {n: {type: «int}}\n"),
    ("MF1104", _TOP + _OK + "inputs: {n: {type: integer, default: «five}}\n"),
    ("MF1104", _TOP + _OK + "inputs: {n: {type: string, format: date, default: «yesterday}}\n"),
    ("MF1112", _TOP + _OK + "inputs: {n: «{type: string, pattern: '('}}\n"),
    ("MF1105", _TOP + _OK + "inputs: {«in: {type: string}}\n"),
    ("MF1103", _TOP + _OK + "connections: {c: «piggy}\n"),
    ("MF1309", _TOP + _OK + "connections: {c: {connector: «pigy}}\n"),
    ("MF1110", _TOP + _OK + "connections: {c: {connector: piggy, credential: «sk-1234}}\n"),
    ("MF1110", _TOP + _OK + "connections: {c: {connector: piggy, credential: {env: «sk-1234}}}\n"),
    ("MF1110", _TOP + _OK + "connections: {c: {connector: piggy, «token: sk-1234}}\n"),
    ("MF1110", _TOP + _OK + "connections: {c: {connector: piggy, credential: {«key: sk-1234}}}\n"),
    ("MF1110", _TOP + _OK + "connections: {c: {connector: piggy, base_url: «'https://u:p@h'}}\n"),
    ("MF1113", _TOP + _OK + "connections: {c: {connector: piggy, credential: «{env: A, file: b}}}\n"),
    ("MF1104", _TOP + _OK + "connections: {c: {connector: piggy, base_url: «piggy.eu}}\n"),
    ("MF1104", _TOP + _OK + "connections: {c: {connector: piggy, timeout: «10}}\n"),
    ("MF1106", _TOP + _OK + "connections: {c: {connector: piggy, timeout: «0s}}\n"),
    ("MF1104", _TOP + _OK + "models: {m: «gpt}\n"),
    ("MF1209", _TOP + _OK + "voice: «{tone: '${{ 1 }}'}\n"),
    ("MF1303", _HEAD + _OK + "outputs: {x: '${{ inputs.«m }}'}\n"),
    ("MF1003", _TOP + _OK + "«steps: {}\n"),
    ("MF1009", _TOP + _OK + "«1: {}\n"),
    ("MF1013", _TOP + _OK + "«<<: {a: b}\n"),
]
_READ = "steps: {a: {call: piggy.perks.list, with: {limit: 5}}}\n"
_GIVEN = "{contact_uuid: c, shop_uuid: s, credits: 5}"
_AWARD = f"""\
steps: {{a: {{call: piggy.credit_receptions.create, with: {_GIVEN}}}}}
budgets: {{effects: """
_FIND = """\
steps: {a: {call: piggy.contacts.find_or_create, with: {email: a@b.c}}}
budgets: {effects: """
_WHOLE_FILES += [
    ("MF1103", _TOP + _OK + "budgets: «5\n"),
    ("MF1102", _TOP + _OK + "budgets: «{}\n"),
    ("MF1101", _TOP + _OK + "budgets: {effects: {count: 5}, «efects: {count: 5}}\n"),
    ("MF1103", _TOP + _OK + "budgets: {effects: «[count]}\n"),
    ("MF1102", _TOP + _OK + "budgets: {effects: «{}}\n"),
    ("MF1101", _TOP + _OK + "budgets: {effects: {count: 5, «per_recipents: 3}}\n"),
    ("MF1103", _TOP + _OK + "budgets: {effects: {count: «five}}\n"),
    ("MF1103", _TOP + _OK + "budgets: {effects: {count: «true}}\n"),
    ("MF1103", _TOP + _OK + "budgets: {effects: {count: «1.5}}\n"),
    ("MF1103", _TOP + _OK + "budgets: {effects: {count: «'${{ 5 }}'}}\n"),
    ("MF1102", _TOP + _OK + "budgets: {effects: {«count: }}\n"),
    ("MF1106", _TOP + _OK + "budgets: {effects: {count: «0}}\n"),
    ("MF1106", _TOP + _OK + "budgets: {effects: {per_recipient: «-1}}\n"),
    ("MF1103", _TOP + _OK + "budgets: {effects: {sum: «10000}}\n"),
    ("MF1102", _TOP + _OK + "budgets: {effects: {sum: «{}}}\n"),
    ("MF1106", _HEAD + _AWARD + "{sum: {credits: «0}}}\n"),
    ("MF1106", _HEAD + _AWARD + "{sum: {credits: «1000000000001}}}\n"),
    ("MF1103", _HEAD + _AWARD + "{sum: {credits: «much}}}\n"),
    ("MF1408", _HEAD + _AWARD + "{sum: {«credit: 5}}}\n"),
    ("MF1408", _HEAD + _AWARD + "{sum: {«contact_uuid: 5}}}\n"),
    (
        "MF1408",
        _HEAD
        + _AWARD.replace("credits: 5}", "unit_value: 5}").replace("with", "«with")
        + "{sum: {credits: 5}}}\n",
    ),
    ("MF1408", _HEAD + _FIND + "{«per_recipient: 3}}\n"),
    ("MF1408", _HEAD + _OK + "budgets: {effects: {sum: {«credits: 5}}}\n"),
    ("MF1408", _HEAD + _READ + "budgets: {effects: {sum: {«limit: 5}}}\n"),
    ("MF1103", _TOP + _OK + "on_park: «notify\n"),
    ("MF1113", _TOP + _OK + "on_park: «{}\n"),
    ("MF1113", _TOP + _OK + "on_park: «{command: [notify], webhook: 'https://h/x'}\n"),
    ("MF1101", _TOP + _OK + "on_park: {command: [notify], «shell: true}\n"),
    ("MF1103", _TOP + _OK + "on_park: {command: «notify --to ops}\n"),
    ("MF1103", _TOP + _OK + "on_park: {command: [notify, «5]}\n"),
    ("MF1102", _TOP + _OK + "on_park: {command: «[]}\n"),
    ("MF1104", _TOP + _OK + "on_park: {command: [«'', x]}\n"),
    ("MF1104", _TOP + _OK + 'on_park: {command: [notify, «"\\0"]}\n'),
    ("MF1209", _TOP + _OK + "on_park: {command: [notify, «'${{ inputs.s }}']}\n"),
    ("MF1209", _TOP + _OK + "on_park: {webhook: «'https://h/${{ inputs.s }}'}\n"),
    ("MF1103", _TOP + _OK + "on_park: {webhook: «[a]}\n"),
    ("MF1102", _TOP + _OK + "on_park: {«webhook: }\n"),
    ("MF1104", _TOP + _OK + "on_park: {webhook: «hooks.example.com/x}\n"),
    ("MF1104", _TOP + _OK + "on_park: {webhook: «'http://hooks.example.com/x'}\n"),
    ("MF1104", _TOP + _OK + "on_park: {webhook: «'https://u:p@h/x'}\n"),
    ("MF1104", _TOP + _OK + "on_park: {webhook: «'https://h:99999/x'}\n"),
    ("MF1104", _TOP + _OK + "on_park: {webhook: «'https://h/a b'}\n"),
    ("MF1104", _TOP + _OK + "on_park: {webhook: «'ftp://h/x'}\n"),
]
_STEPS = [
    ("MF1003", "{agent: writer, goal: a, «goal: b}"),
    ("MF1004", "{agent: writer, goal: «!!str a}"),
    ("MF1004", "{agent: writer, goal: «!python/name:os.system a}"),
    ("MF1008", "{agent: writer, goal: «*nowhere}"),
    ("MF1008", "{agent: writer, goal: a, x-a: &b [«*b]}"),
    ("MF1012", "{agent: writer, goal: a, with: {a: «.nan}}"),
    ("MF1012", "{agent: writer, goal: a, with: {a: «007}}"),
    ("MF1012", "{agent: writer, goal: a, with: {a: «9223372036854775808}}"),
    ("MF1103", "«writer"),
    ("MF1107", "«none: 1"),
    ("MF1108", "{agent: writer, goal: a, «call: piggy.PIGGY_LIST_PERKS}"),
    ("MF1109", "{«loop: 3}"),
    ("MF1109", "{agent: «designer, goal: a}"),
    ("MF1306", "{agent: «verifier, goal: a}"),
    ("MF1306", "{agent: «writer2, goal: a}"),
    ("MF1101", "{agent: writer, goal: a, «neds: []}"),
    ("MF1101", "{agent: writer, goal: a, «once: inputs.s}"),
    ("MF1102", "«{agent: writer}"),
    ("MF1103", "{agent: writer, goal: «[a]}"),
    ("MF1103", "{agent: writer, goal: a, needs: «b}"),
    ("MF1104", "{agent: writer, goal: a, on_exhausted: «stop}"),
    ("MF1305", "{agent: writer, goal: a, model: «smrt}"),
    ("MF1111", "{agent: writer, goal: a, output: {schema: «nowhere.json}}"),
    ("MF1111", "{agent: writer, goal: a, output: {schema: «../letter.schema.json}}"),
    ("MF1201", "{agent: writer, goal: 'a ${{ inputs.n +« }}'}"),
    ("MF1201", "{agent: writer, goal: '«${{ }}'}"),
    ("MF1202", "{agent: writer, goal: 'a ${{ «item.x }}'}"),
    ("MF1202", "{agent: writer, goal: 'a ${{ [1].map(x, «y.z) }}'}"),
    ("MF1202", "{agent: writer, goal: 'a ${{ size(«inputs) }}'}"),
    ("MF1202", "{agent: writer, goal: 'a ${{ steps.last.«uuid }}'}"),
    ("MF1203", "{agent: writer, goal: 'a ${{ inputs.n «+ inputs.s }}'}"),
    ("MF1203", "{agent: writer, goal: 'a ${{ inputs.f «* 2 }}'}"),
    ("MF1204", "{agent: writer, goal: 'a ${{ «" + "1 + " * 40 + "1 }}'}"),
    ("MF1204", "{agent: writer, goal: 'a ${{ «1" + " " * 4000 + "+ 1 }}'}"),
    ("MF1205", "{agent: writer, goal: \"a ${{ {'a': 1}«.map(k, k) }}\"}"),
    ("MF1206", "{agent: writer, goal: 'a «${{ inputs.s'}"),
    ("MF1207", "{agent: writer, goal: a, when: «inputs.s}"),
    ("MF1207", "{agent: writer, goal: a, select: {x: «b'x'}}"),
    ("MF1208", "{agent: writer, goal: 'a ${{ «now() }}'}"),
    ("MF1209", "{agent: writer, goal: a, when: '«${{ true }}'}"),
    ("MF1301", "{agent: writer, goal: a, needs: [«lst]}"),
    ("MF1301", "{agent: writer, goal: a, from: [last, «lst]}"),
    ("MF1301", "{agent: writer, goal: 'a ${{ steps.«lst.output }}'}"),
    ("MF1303", "{agent: writer, goal: 'a ${{ inputs.«m }}'}"),
    ("MF1304", "{call: «pigy.PIGGY_LIST_PERKS}"),
    ("MF1401", "{call: «piggy.PIGGY_LIST_PRKS}"),
    ("MF1401", "{call: «piggy}"),
    ("MF1401", "{agent: researcher, goal: a, tools: [«piggy.nothing]}"),
    ("MF1405", "{agent: researcher, goal: a, tools: [«piggy.contacts.find_or_create]}"),
    ("MF1402", "{call: piggy.PIGGY_LIST_PERKS, with: {«page: 1}}"),
    ("MF1403", "{«call: piggy.contacts.find_or_create}"),
    ("MF1404", "{call: piggy.contacts.find_or_create, with: {email: «nobody}}"),
    ("MF1404", "{call: piggy.contacts.find_or_create, with: {email: «'${{ inputs.n }}'}}"),
    ("MF1406", "{«call: piggy.PIGGY_SEND_CONTACT_VERIFICATION_EMAIL, with: {email: a}}"),
    ("MF1406", "{«call: piggy.vouchers.batch, may_repeat: false, with: {email: a}}"),
    ("MF1103", "{call: piggy.vouchers.batch, once: inputs.s, may_repeat: «'true', with: {email: a}}"),
    ("MF1103", "{call: piggy.vouchers.batch, once: inputs.s, may_repeat: «1, with: {email: a}}"),
    ("MF1103", "{call: piggy.vouchers.batch, once: inputs.s, may_repeat: «'${{ true }}', with: {email: a}}"),
    ("MF1102", "{call: piggy.vouchers.batch, once: inputs.s, «may_repeat: , with: {email: a}}"),
    ("MF1407", "{call: piggy.PIGGY_LIST_PERKS, «may_repeat: true}"),
    ("MF1407", "{call: piggy.contacts.find_or_create, «may_repeat: true, with: {email: a@b.c}}"),
    ("MF1407", "{call: piggy.credit_receptions.create, with: " + _GIVEN + ", «may_repeat: true}"),
    ("MF1101", "{agent: writer, goal: a, «may_repeat: true}"),
    ("MF1302", "{agent: writer, goal: a, needs: [s]}"),
    ("MF1308", "{verify: «other, rules: [{id: a, expect: 'true'}]}"),
    ("MF1308", "{verify: last, rules: [{id: a, expect: 'true'}], on_fail: {back_to: «lone}}"),
    ("MF1106", "{verify: last, rules: [{id: a, expect: 'true'}], on_fail: {back_to: last, max: «11}}"),
    ("MF1113", "{verify: last, rules: [«{id: a}]}"),
    ("MF1310", "{verify: last, rules: [{id: a, expect: 'true'}, «{id: a, expect: 'true'}]}"),
    ("MF1102", "{verify: last, rules: [«{id: a, judge: smart}]}"),
    ("MF1207", "{verify: last, rules: [{id: a, expect: «size(draft)}]}"),
    ("MF1113", "{verify: last, rules: [«{id: a, expect: 'true', forbid: [x]}]}"),
    ("MF1101", "{verify: last, rules: [{id: a, «lenght: {words: {max: 5}}}]}"),
    ("MF1101", "{verify: last, rules: [{id: a, expect: 'true', «field: body}]}"),
    ("MF1101", "{verify: last, rules: [{id: a, forbid: [x], «feild: body}]}"),
    ("MF1103", "{verify: last, rules: [{id: a, length: «600}]}"),
    ("MF1102", "{verify: last, rules: [{id: a, length: «{}}]}"),
    ("MF1102", "{verify: last, rules: [{id: a, length: {words: «{}}}]}"),
    ("MF1101", "{verify: last, rules: [{id: a, length: {«chars: {max: 5}}}]}"),
    ("MF1101", "{verify: last, rules: [{id: a, length: {words: {«most: 5}}}]}"),
    ("MF1103", "{verify: last, rules: [{id: a, length: {words: {max: «'5'}}}]}"),
    ("MF1106", "{verify: last, rules: [{id: a, length: {words: {max: «0}}}]}"),
    ("MF1106", "{verify: last, rules: [{id: a, length: {words: {min: «9, max: 5}}}]}"),
    ("MF1311", "{verify: last, rules: [{id: a, field: «boby, length: {words: {max: 5}}}]}"),
    ("MF1311", "{verify: last, rules: [{id: a, field: «uses, forbid: [x]}]}"),
    ("MF1103", "{verify: last, rules: [{id: a, require: «x}]}"),
    ("MF1103", "{verify: last, rules: [{id: a, require: [«5]}]}"),
    ("MF1102", "{verify: last, rules: [{id: a, forbid: «[]}]}"),
    ("MF1104", "{verify: last, rules: [{id: a, forbid: [«'--']}]}"),
    ("MF1209", "{verify: last, rules: [{id: a, forbid: «['${{ inputs.s }}']}]}"),
    ("MF1102", "{verify: last, rules: [{id: a, links: «{}}]}"),
    ("MF1104", "{verify: last, rules: [{id: a, links: {hosts: [«'https://shop.example']}}]}"),
    ("MF1101", "{verify: last, rules: [{id: a, links: {hosts: [shop.example], «http: true}}]}"),
    ("MF1111", "{verify: last, rules: [{id: a, schema: «nowhere.json}]}"),
    ("MF1103", "{verify: last, rules: [{id: a, schema: «{type: object}}]}"),
    ("MF1207", "{map: «inputs.s, steps: {i: {agent: writer, goal: a}}}"),
    ("MF1106", "{map: '[1]', parallel: «33, steps: {i: {agent: writer, goal: a}}}"),
    ("MF1310", "{map: '[1]', as: «output, steps: {i: {agent: writer, goal: a}}}"),
    ("MF1310", "{map: '[1]', steps: {«last: {agent: writer, goal: a}}}"),
    ("MF1302", "{map: '[1]', steps: {i: {agent: writer, goal: '${{ steps.s.output }}'}}}"),
    ("MF1307", "{agent: writer, goal: '${{ steps.«inside.output }}'}"),
    ("MF1308", "{map: '[1]', steps: {v: {verify: «last, rules: [{id: a, expect: 'true'}]}}}"),
]
_AFTER = """
  last: {agent: writer, goal: hi}
  lone: {agent: writer, goal: hi}
  other: {call: piggy.PIGGY_LIST_PERKS}
  many: {map: "[1]", steps: {inside: {agent: writer, goal: hi}}}
"""


def _place(marked: str) -> tuple[str, str]:
    """Return the text without its mark, and the place of the mark."""
    before = marked.partition("«")[0]
    return marked.replace("«", ""), f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize(("code", "marked"), _WHOLE_FILES)
def test_a_mistake_of_the_file_is_found_at_its_place(code: str, marked: str, mistakes: Mistakes) -> None:
    """Each text has one mistake, which is reported once, with its code, line and column."""
    text, place = _place(marked)
    assert mistakes(text) == [f"{place} {code}"]


@pytest.mark.parametrize(("code", "step"), _STEPS)
def test_a_mistake_of_a_step_is_found_at_its_place(code: str, step: str, mistakes: Mistakes) -> None:
    """Each step has one mistake, which is reported once, with its code, line and column."""
    name = "  s: " if "«" in step.removeprefix("«none") else "  «s: "
    text, place = _place(_HEAD + "steps:\n" + name + _block(step) + _AFTER)
    assert mistakes(text) == [f"{place} {code}"]


def _block(step: str) -> str:
    return "{none: 1}" if step == "«none: 1" else step


def test_the_tables_know_every_code() -> None:
    """A code that no test provokes would be a promise nobody keeps."""
    elsewhere = {"MF1005", "MF1006", "MF1007", "MF1210"}
    tested = {code for code, _ in [*_WHOLE_FILES, *_STEPS]}
    assert tested | elsewhere == set(CODES)


def test_all_mistakes_of_a_file_come_at_once_and_in_order(mistakes: Mistakes) -> None:
    """A file with many mistakes is refused once, with all of them, from shape to meaning to tools."""
    text = (
        _HEAD
        + """\
steps:
  a: {call: piggy.contacts.find_or_create, with: {emial: x}, neds: [b]}
  b: {agent: writer, goal: "${{ steps.zz.output }} ${{ 1 + }}", needs: [c]}
  c: {agent: writer, goal: hi, needs: [b]}
  d: {call: piggy.PIGGY_CREATE_CREDIT_RECEPTION, with: {contact_uuid: 5, shop_uuid: s, labels: [a, 3]}}
  e:
    agent: writer
    goal: |
      Write to ${{ inputs.s }}
      about ${{ inputs.nn }}.
outputs: {x: "${{ steps.e.outptu }}"}
"""
    )
    assert mistakes(text) == [
        "8:44 MF1403",
        "8:51 MF1402",
        "8:62 MF1101",
        "9:3 MF1302",
        "9:39 MF1301",
        "9:59 MF1201",
        "11:50 MF1403",
        "11:71 MF1404",
        "11:100 MF1404",
        "16:24 MF1303",
        "17:27 MF1202",
    ]


def test_a_spoiled_value_does_not_cause_further_mistakes(mistakes: Mistakes) -> None:
    """What is broken is reported where it is broken, and nowhere else."""
    steps = ["a: {agent: writer, goal: !x hi}", "b: {what: 1}", "c: {agent: writer, goal: hi, from: [b]}"]
    text = _HEAD + "steps:\n  " + "\n  ".join(steps) + "\n"
    assert mistakes(text) == ["8:28 MF1004", "9:3 MF1107"]
