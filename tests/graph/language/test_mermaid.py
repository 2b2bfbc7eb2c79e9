"""Drawings of plans."""

from collections.abc import Callable

from mendflow.graph.language.mermaid import mermaid
from mendflow.graph.language.plan import Plan


def test_the_example_is_drawn_with_its_way_back(compiled: Callable[[str], Plan], example: str) -> None:
    """Each kind has its shape, arrows follow the order, and a dotted one leads back to the author."""
    assert mermaid(compiled(example)) == (
        "flowchart TD\n"
        '  s_prepare_piggy[["prepare_piggy: piggy.loyalty_transaction_attributes.create"]]\n'
        '  s_member[["member: piggy.contacts.find_or_create"]]\n'
        '  s_brief(["brief: researcher"])\n'
        '  s_letter(["letter: writer"])\n'
        '  s_review{{"review: verify letter"}}\n'
        '  s_award[["award: piggy.credit_receptions.create"]]\n'
        "  s_brief --> s_letter\n"
        "  s_letter --> s_review\n"
        '  s_review -.->|"back, at most 2"| s_letter\n'
        "  s_prepare_piggy --> s_award\n"
        "  s_review --> s_award\n"
        "  s_member --> s_award\n"
    )


def test_a_map_is_a_subgraph_and_words_cannot_break_out(compiled: Callable[[str], Plan]) -> None:
    """Steps of a map stand inside it; signs that Mermaid reads are escaped; `end` is no trap."""
    text = """\
apiVersion: mendflow/v1
kind: Workflow
metadata: {name: w, version: "1"}
steps:
  ask: {approve: "Go?"}
  end:
    map: '["<b>"]'
    when: "1 < 2"
    needs: [ask]
    steps: {stop: {agent: writer, goal: hi}}
"""
    assert mermaid(compiled(text)) == (
        "flowchart TD\n"
        '  s_ask[/"ask: approve"/]\n'
        '  subgraph s_end["end: each item of [#34;#60;b#62;#34;]"]\n'
        '    s_end_stop(["stop: writer"])\n'
        "  end\n"
        '  s_ask -->|"when 1 #60; 2"| s_end\n'
    )
