"""Deletions from the rules that read one reply: the effect's states, its outcome, the judgement, the budgets."""

import pytest

from tests.mutations.trial import Laboratory, Mutation

EFFECT, OUTCOME, JUDGE, LEDGER = (f"verifier/{name}.py" for name in ("effect", "outcome", "judge", "ledger"))
EFFECTS = "tests/verifier/test_effect.py"
OUTCOMES = "tests/verifier/test_outcome.py::test_each_form_of_reply_has_its_outcome"
JUDGEMENTS = "tests/verifier/test_judge.py"
MUTATIONS = (
    Mutation(
        "an unknown effect is sent again without proof",
        EFFECT,
        'if effect.state == "unknown" and not effect.repeatable:',
        "if False:",
        (EFFECTS,),
    ),
    Mutation(
        "terminal states change",
        EFFECT,
        "if effect.state not in states:",
        'if effect.state not in (*states, "done", "refused"):',
        (EFFECTS,),
    ),
    Mutation(
        "a second attempt is opened beside an open one",
        EFFECT,
        '_demand(effect, "intend", "planned", "unknown")',
        '_demand(effect, "intend", "planned", "unknown", "intent")',
        (EFFECTS,),
    ),
    Mutation(
        "a reading settles an attempt that is still under way",
        EFFECT,
        '_demand(effect, "settled", "unknown", "reconciling")',
        '_demand(effect, "settled", "unknown", "reconciling", "intent")',
        (EFFECTS,),
    ),
    Mutation(
        "an attempt under way is parked",
        EFFECT,
        '_demand(effect, "park", "planned", "unknown", "reconciling")',
        '_demand(effect, "park", "planned", "unknown", "reconciling", "intent")',
        (EFFECTS,),
    ),
    Mutation(
        "a reply makes it done without evidence",
        EFFECT,
        '_demand_evidence(effect, "conclude", evidence)',
        "pass",
        (EFFECTS,),
    ),
    Mutation(
        "a reading makes it done without evidence",
        EFFECT,
        '_demand_evidence(effect, "settled", evidence)',
        "pass",
        (EFFECTS,),
    ),
    Mutation(
        "a person's word is taken without a name or a reason",
        EFFECT,
        '_demand_evidence(effect, "resolve", evidence)',
        "pass",
        (EFFECTS,),
    ),
    Mutation(
        "a person decides about what is not parked",
        EFFECT,
        '_demand(effect, "resolve", "parked")',
        "pass",
        (EFFECTS,),
    ),
    Mutation(
        "unknown is not sticky",
        EFFECT,
        'if any(attempt.standing == "unknown" for attempt in attempts):',
        "if False:",
        (EFFECTS,),
    ),
    Mutation(
        "a refusal for now ends the effect",
        EFFECT,
        'return "refused" if standing == "refused" and final else "planned"',
        'return "refused" if standing == "refused" else "planned"',
        (EFFECTS,),
    ),
    Mutation(
        "parking forgets an unknown attempt",
        EFFECT,
        '"unknown" if effect.has_unknown else "planned"',
        '"planned"',
        (EFFECTS,),
    ),
    Mutation("the version stays", EFFECT, "effect.version + 1", "effect.version", (EFFECTS,)),
    Mutation(
        "an open code is taken for a refusal",
        OUTCOME,
        'return _unusable(spec, Fault(kind="server_error", detail=detail, evidence=evidence))',
        'return Outcome("refused", fault)',
        (OUTCOMES,),
    ),
    Mutation(
        "any vendor code is taken for a refusal",
        OUTCOME,
        "if error.code in spec.refusals and error.code not in spec.already:",
        "if error.code not in spec.already:",
        (OUTCOMES,),
    ),
    Mutation(
        "`there already` is taken for a refusal",
        OUTCOME,
        "if error.code in spec.refusals and error.code not in spec.already:",
        "if error.code in spec.refusals or error.code in spec.already:",
        (OUTCOMES,),
    ),
    Mutation(
        "`there already` is taken for done without reading whose it is",
        OUTCOME,
        "if error.code in spec.already and spec.effect in REPEATABLE:",
        "if error.code in spec.already:",
        (OUTCOMES,),
    ),
    Mutation(
        "a drifted success of a write is taken for a refusal",
        OUTCOME,
        "    if fault is not None:\n        return _unusable(spec, fault)",
        '    if fault is not None:\n        return Outcome("refused", fault)',
        (OUTCOMES,),
    ),
    Mutation(
        "a failing server is taken for one that did nothing",
        OUTCOME,
        '    429: ("rate_limit",',
        '    500: ("server_error", "the server failed"),\n    429: ("rate_limit",',
        (OUTCOMES,),
    ),
    Mutation(
        "an odd status is taken for a refusal",
        OUTCOME,
        "return _unusable(spec, _odd_status(answer))",
        'return Outcome("refused", _odd_status(answer))',
        (OUTCOMES,),
    ),
    Mutation(
        "an unreadable success is taken for a refusal",
        OUTCOME,
        'return _unusable(spec, _fault("malformed_answer", detail, answer))',
        'return Outcome("refused", _fault("malformed_answer", detail, answer))',
        (OUTCOMES,),
    ),
    Mutation(
        "a part of an answer is taken for the whole",
        OUTCOME,
        "if answer.status == _PARTIAL:",
        "if False:",
        (OUTCOMES,),
    ),
    Mutation(
        "a success that denies itself is taken for one",
        OUTCOME,
        "    if denied:",
        "    if False:",
        (OUTCOMES,),
    ),
    Mutation(
        "a crash is taken for not sent",
        OUTCOME,
        'return Outcome("not_sent", fault) if silence.sent == "no" else',
        'return Outcome("not_sent", fault) if silence.sent == "no" or silence.reason == "crash" else',
        (OUTCOMES,),
    ),
    Mutation(
        "a time-out is taken for not sent",
        OUTCOME,
        'return Outcome("not_sent", fault) if silence.sent == "no" else',
        'return Outcome("not_sent", fault) if silence.sent == "no" or silence.reason == "timeout" else',
        (OUTCOMES,),
    ),
    Mutation(
        "a success need not keep the contract",
        OUTCOME,
        "if not fits(spec.answer, output):",
        "if False:",
        (OUTCOMES,),
    ),
    Mutation(
        "a success need not repeat what was sent",
        OUTCOME,
        "strange = unrepeated(spec, call, output)",
        "strange = ()",
        (OUTCOMES,),
    ),
    Mutation(
        "another's marker in the answer is accepted",
        OUTCOME,
        "if has_foreign_marker(spec, call, output):",
        "if False:",
        (OUTCOMES,),
    ),
    Mutation(
        "an unknown outcome is judged as if nothing had happened",
        JUDGE,
        'if outcome.standing == "unknown" or ledger.has_unknown:',
        "if ledger.has_unknown:",
        (JUDGEMENTS,),
    ),
    Mutation(
        "an earlier unknown attempt is forgotten",
        JUDGE,
        'if outcome.standing == "unknown" or ledger.has_unknown:',
        'if outcome.standing == "unknown":',
        (JUDGEMENTS,),
    ),
    Mutation(
        "a blind call is repeated",
        JUDGE,
        "return may_repeat or spec.effect in REPEATABLE or _has_key(spec, call)",
        'return may_repeat or spec.effect in (*REPEATABLE, "blind") or _has_key(spec, call)',
        (JUDGEMENTS,),
    ),
    Mutation(
        "a marked call is repeated without reading",
        JUDGE,
        "return may_repeat or spec.effect in REPEATABLE or _has_key(spec, call)",
        'return may_repeat or spec.effect in (*REPEATABLE, "marked") or _has_key(spec, call)',
        (JUDGEMENTS,),
    ),
    Mutation(
        "the vendor's key counts for a call that has none",
        JUDGE,
        "return spec.key is not None and call.arguments.get(spec.key.argument) is not None",
        "return spec.key is not None",
        (JUDGEMENTS,),
    ),
    Mutation(
        "a refused repetition makes the first sending failed",
        JUDGE,
        "    if isinstance(verdict, Failed):\n        return Parked(",
        "    if False:\n        return Parked(",
        (JUDGEMENTS,),
    ),
    Mutation(
        "a repeatable effect is repeated for ever",
        JUDGE,
        "        if ledger.is_spent:\n            return Parked(",
        "        if False:\n            return Parked(",
        (JUDGEMENTS,),
    ),
    Mutation(
        "no attempt is unknown",
        LEDGER,
        'return any(attempt.standing == "unknown" for attempt in self.attempts)',
        "return False",
        (JUDGEMENTS,),
    ),
    Mutation(
        "a reading proves absent what was refused or never sent",
        LEDGER,
        '{"standing": "absent"}) if attempt.standing == "unknown" else attempt',
        '{"standing": "absent"})',
        ("tests/verifier/test_ledger.py",),
    ),
    Mutation(
        "attempts are without end",
        LEDGER,
        "return self.number - self._count(NOT_MADE) >= self.most_attempts",
        "return False",
        ("tests/verifier/test_ledger.py",),
    ),
    Mutation(
        "turned-away attempts are without end",
        LEDGER,
        "return self._count(NOT_TRIED) + 1 >= self.most_throttled",
        "return False",
        ("tests/verifier/test_ledger.py",),
    ),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_deletion_is_noticed(mutation: Mutation, laboratory: Laboratory) -> None:
    """With this piece of the protocol taken away, at least one of the named tests fails by what it asserts."""
    trial = laboratory.mutate(mutation)
    assert trial.is_noticed, trial.report


def test_the_named_tests_pass_on_a_plain_copy(laboratory: Laboratory) -> None:
    """What fails above fails by the deletion: without it the same tests pass in the same place."""
    trial = laboratory.replace("", "", sorted({test for one in MUTATIONS for test in one.tests}))
    assert trial.has_passed, trial.report
