"""The `rules` of a `verify` step: read as data, each with one way to judge."""

from dataclasses import dataclass, field

from ...verifier.rules import (
    DraftRule,
    ForbidRule,
    LengthRule,
    LinksRule,
    RequireRule,
    SchemaRule,
    Span,
    is_host,
)
from ...verifier.text import plain_words
from .diagnostics import Report
from .fields import Fields, as_mapping, check_name
from .holes import Uses, has_hole
from .plan import Place, Rule
from .reader import Broken, Mapping, Sequence, describe, shorten

WAYS = ("expect", "judge", "length", "require", "forbid", "links", "schema")
"""Keys by which a rule judges; a rule has one of them."""
_OF_A_FIELD = ("length", "require", "forbid", "links")
"""Ways that may look at one `field` of the draft."""
_MOST = 1_000_000
_FIXED = "Rules are fixed; what depends on inputs is written as an `expect`."


@dataclass
class RulesReader:
    """Reads the rules of one step."""

    fields: Fields
    uses: Uses
    report: Report
    places: dict[str, Place] = field(default_factory=dict)
    """Where the keys of rules stand, e.g. `rules.tone.judge`."""
    spots: dict[str, Place] = field(default_factory=dict)
    """Where the values under these keys stand."""

    def read(self) -> tuple[Rule, ...]:
        """Return the rules in the order of the file."""
        node = self.fields.node_of("rules", required=True)
        if node is None or isinstance(node, Broken):
            return ()
        if not isinstance(node, Sequence) or not node.items:
            self.report.add(
                "MF1103", node.place, f"`rules`: found {describe(node)}, expected a list of rules"
            )
            return ()
        rules: dict[str, Rule] = {}
        for item in node.items:
            body = as_mapping(item, "a rule", self.report)
            rule = self._rule(body) if body else None
            if rule is None or body is None:
                continue
            if rule.id in rules:
                self.report.add(
                    "MF1310", body.place, f"the rule `{rule.id}` is given twice in {self.fields.what}"
                )
            rules[rule.id] = rule
            self.places[f"rules.{rule.id}"] = body.place
        return tuple(rules.values())

    def _rule(self, node: Mapping) -> Rule | None:
        inner = Fields(node, "a rule", self.report)
        name = inner.text("id", required=True)
        if name:
            check_name(name, inner.place_of_value("id"), "a rule", self.report, label=True)
        ways = [way for way in WAYS if inner.has(way)]
        expect = inner.node_of("expect")
        expression = (
            self.uses.bare(expect, "expect", wants=("boolean",), names=("draft",)) if expect else None
        )
        judge, rubric = inner.text("judge"), inner.text("rubric", required=inner.has("judge"))
        rubric_node = inner.entry_values().get("rubric")
        if rubric_node and has_hole(rubric_node):
            self.report.add("MF1209", rubric_node.place, "`rubric` is fixed text and takes no `${{ }}`")
        check = self._check(inner, ways)
        self._one_way(inner, ways)
        elsewhere = {"field": f"it is a key of rules with {_listed(_OF_A_FIELD)}"}
        inner.close(elsewhere)
        for key in (*WAYS, "rubric", "field"):
            if key in inner.entry_values():
                self.places[f"rules.{name}.{key}"] = inner.place(key)
                self.spots[f"rules.{name}.{key}"] = inner.place_of_value(key)
        return Rule(id=name, expect=expression, check=check, judge=judge, rubric=rubric) if name else None

    def _one_way(self, inner: Fields, ways: list[str]) -> None:
        if len(ways) == 1:
            return
        unknown = [key for key in inner.entry_values() if key not in {"id", "rubric", "field", *ways}]
        if not ways and unknown:  # a misspelt way is told as an unknown key
            return
        found = _listed(ways) if ways else "none"
        self.report.add("MF1113", inner.node.place, f"a rule: found {found}, expected one of {_listed(WAYS)}")

    def _check(self, inner: Fields, ways: list[str]) -> DraftRule | None:
        """Return the declared check; None where there is none, or none that can be used."""
        where = inner.text("field") if set(ways) & set(_OF_A_FIELD) else ""
        found: list[DraftRule] = []
        if "length" in ways:
            found += self._length(inner, where)
        if texts := self._texts(inner, "require"):
            found.append(RequireRule(field=where, texts=texts))
        if texts := self._texts(inner, "forbid"):
            found.append(ForbidRule(field=where, texts=texts))
        if "links" in ways:
            found += self._links(inner, where)
        if file := inner.text("schema"):
            found.append(SchemaRule(file=file))
        return found[0] if found else None

    def _length(self, inner: Fields, where: str) -> list[DraftRule]:
        node = inner.mapping("length")
        if node is None:
            return []
        fields = Fields(node, "`length`", self.report)
        spans = {what: self._span(fields, what) for what in ("characters", "words")}
        fields.close()
        if not node.entries:
            advice = "For example `length: {characters: {max: 600}}`."
            self.report.add(
                "MF1102", node.place, "`length` is empty, expected `characters` or `words`", advice
            )
        return [LengthRule(field=where or "body", characters=spans["characters"], words=spans["words"])]

    def _span(self, fields: Fields, what: str) -> Span:
        node = fields.mapping(what)
        if node is None:
            return Span()
        inner = Fields(node, f"`{what}`", self.report)
        least = inner.integer("min", least=0, most=_MOST, default=0) if inner.has("min") else None
        most = inner.integer("max", least=1, most=_MOST, default=_MOST) if inner.has("max") else None
        inner.close()
        if not node.entries:
            self.report.add("MF1102", node.place, f"`{what}` is empty, expected `min` or `max`")
        if least is not None and most is not None and least > most:
            message = f"`min`: found {least}, expected at most `max`, which is {most}"
            self.report.add("MF1106", inner.place_of_value("min"), message)
        return Span(least=least, most=most)

    def _texts(self, inner: Fields, key: str) -> tuple[str, ...]:
        if not inner.has(key):
            return ()
        found = inner.texts(key, "text", "Write the list in brackets, e.g. `[Your record shop]`.")
        self._fixed(inner, key)
        for text, place in found:
            if not plain_words(text).strip():
                self.report.add("MF1104", place, f"`{key}`: found a text without a word, expected words")
        return tuple(text for text, _ in found)

    def _links(self, inner: Fields, where: str) -> list[DraftRule]:
        node = inner.mapping("links")
        if node is None:
            return []
        fields = Fields(node, "`links`", self.report)
        hosts = fields.texts(
            "hosts", "host", "Write the list in brackets, e.g. `[shop.example]`.", required=True
        )
        self._fixed(fields, "hosts")
        fields.close()
        for host, place in hosts:
            if not is_host(host):
                message = f"`hosts`: found `{shorten(host)}`, expected the name of a host in small letters"
                self.report.add("MF1104", place, message, "For example `shop.example`, without `https://`.")
        return [LinksRule(field=where, hosts=tuple(host for host, _ in hosts))] if hosts else []

    def _fixed(self, inner: Fields, key: str) -> None:
        node = inner.entry_values().get(key)
        if isinstance(node, Sequence) and not node.items:
            self.report.add("MF1102", node.place, f"`{key}` is empty, expected at least one text")
        if node and has_hole(node):
            self.report.add("MF1209", node.place, f"`{key}` is fixed text and takes no `${{{{ }}}}`", _FIXED)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
