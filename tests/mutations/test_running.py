"""Deletions from how the engine drives a call, from the budget, and from the wire."""

import pytest

from tests.mutations.trial import Laboratory, Mutation

DISTRIBUTOR, RUN, CALLS, CONTEXT, SLOTS, RESOLUTIONS = (
    f"graph/engine/{name}.py" for name in ("distributor", "run", "calls", "context", "slots", "resolutions")
)
BUDGET, SWITCH, WIRE, LINK = (
    "verifier/budget.py",
    "journal/switch.py",
    "connectors/wire.py",
    "connectors/link.py",
)
OF_DISTRIBUTOR, OF_RUN, OF_CALLS, OF_EFFECTS = (
    f"tests/graph/engine/test_{name}.py" for name in ("distributor", "run", "calls", "effects")
)
OF_BUDGET = "tests/verifier/test_budget.py"
OF_WIRE, OF_TRUTH, OF_ALONE = (
    f"tests/connectors/test_{name}.py" for name in ("wire", "wire_truth", "wire_alone")
)
_CLAIMED = """\
    if not turn.asked.is_read:
        claim = await _claim(context, task, turn, request)
        if claim["standing"] != "mine":
            return _hand_over(task.model_copy(update={"claim": claim}), view)
    secret = turn.asked.effect == "secret_read"
    key = fact_key(task.path, task.attempt, "call")
    reply = await context.tape.fact(
        key, request, lambda: _attempt(context, turn.exact, secret=secret), secret=secret
    )
"""
_SENT_FIRST = """\
    secret = turn.asked.effect == "secret_read"
    key = fact_key(task.path, task.attempt, "call")
    reply = await context.tape.fact(
        key, request, lambda: _attempt(context, turn.exact, secret=secret), secret=secret
    )
    if not turn.asked.is_read:
        claim = await _claim(context, task, turn, request)
        if claim["standing"] != "mine":
            return _hand_over(task.model_copy(update={"claim": claim}), view)
"""
MUTATIONS = (
    Mutation(
        "the switch is not asked again before the first byte",
        WIRE,
        "            why = self.held()",
        '            why = ""',
        (OF_ALONE,),
    ),
    Mutation(
        "a call leaves before its intent is on disk",
        DISTRIBUTOR,
        _CLAIMED,
        _SENT_FIRST,
        (f"{OF_DISTRIBUTOR}::test_the_intent_is_on_disk_when_the_call_leaves",),
    ),
    Mutation(
        "a call leaves without an intent",
        DISTRIBUTOR,
        "    if not turn.asked.is_read:\n",
        "    if False:\n",
        (f"{OF_DISTRIBUTOR}::test_the_intent_is_on_disk_when_the_call_leaves",),
    ),
    Mutation(
        "a slot in other hands is sent all the same",
        DISTRIBUTOR,
        '        if claim["standing"] != "mine":\n            return _hand_over(',
        "        if False:\n            return _hand_over(",
        (f"{OF_DISTRIBUTOR}::test_one_key_is_one_effect_within_a_run",),
    ),
    Mutation(
        "the digest of the arguments takes the place of the slot",
        DISTRIBUTOR,
        "slot = _slot(context, connection, spec, task.path, once) if not spec.is_read",
        "slot = canonical(arguments) if not spec.is_read",
        (f"{OF_DISTRIBUTOR}::test_without_a_key_each_run_has_its_own_effect",),
    ),
    Mutation(
        "the slot leaves out the run",
        DISTRIBUTOR,
        'return f"{head}/{context.tape.run_id}/{path}"',
        'return f"{head}/{path}"',
        (f"{OF_DISTRIBUTOR}::test_without_a_key_each_run_has_its_own_effect",),
    ),
    Mutation(
        "the slot leaves out the account",
        DISTRIBUTOR,
        'head = f"{spec.operation}/{connection.account}"',
        'head = f"{spec.operation}"',
        (f"{OF_DISTRIBUTOR}::test_another_key_is_another_effect",),
    ),
    Mutation(
        "a business key is ignored",
        DISTRIBUTOR,
        "    if once is None:\n",
        "    if True:\n",
        (f"{OF_DISTRIBUTOR}::test_one_key_is_one_effect_over_all_runs",),
    ),
    Mutation(
        "a business key may be empty",
        DISTRIBUTOR,
        'if step.once is not None and once in (None, "", [], {}):',
        "if False:",
        (f"{OF_DISTRIBUTOR}::test_an_empty_key_sends_nothing",),
    ),
    Mutation(
        "no marker is sent along",
        DISTRIBUTOR,
        "arguments[spec.marker] = marker_of(slot)",
        "pass",
        (f"{OF_CALLS}::test_a_lost_reply_is_found_by_reading",),
    ),
    Mutation(
        "what an earlier process sent counts as settled at once",
        DISTRIBUTOR,
        "settled = connection.live_since + settle",
        "pass",
        (f"{OF_RUN}::test_a_reading_waits_a_settle_time_of_its_own_process",),
    ),
    Mutation(
        "a wait that the next process would begin anew is left to it",
        "graph/engine/routing.py",
        "return schedule.must_hold or (",
        "return (",
        (f"{OF_EFFECTS}::test_a_settle_time_beyond_what_a_process_holds_is_waited_for",),
    ),
    Mutation(
        "the vendor's pace holds nothing back",
        DISTRIBUTOR,
        "paced = connection.open_at if connection.open_at is not None and connection.open_at > now else None",
        "paced: datetime | None = None",
        (f"{OF_CALLS}::test_a_rate_limit_holds_back_the_whole_connection",),
    ),
    Mutation(
        "the kill switch is not asked",
        DISTRIBUTOR,
        "paused = context.halted(name)",
        'paused = ""',
        (f"{OF_EFFECTS}::test_a_paused_connection_sends_nothing",),
    ),
    Mutation(
        "the budget of effects is not asked",
        DISTRIBUTOR,
        "context.meter.refusal(task.slot, turn.spec, turn.call) if is_metered else",
        '"" if is_metered else',
        (f"{OF_DISTRIBUTOR}::test_what_goes_beyond_the_budget_is_not_sent",),
    ),
    Mutation(
        "what is begun does not count",
        DISTRIBUTOR,
        "        context.meter.add(task.slot, turn.spec, turn.call)\n",
        "        pass\n",
        (f"{OF_DISTRIBUTOR}::test_what_goes_beyond_the_budget_is_not_sent",),
    ),
    Mutation(
        "a secret that came as an answer is recorded",
        DISTRIBUTOR,
        "if secret and isinstance(reply.outcome, Answer):",
        "if False:",
        (f"{OF_DISTRIBUTOR}::test_a_secret_answer_is_never_stored",),
    ),
    Mutation(
        "open intents are not closed on a resume",
        RUN,
        "            await _close_open_intents(ports, owner, recorded)\n",
        "",
        (f"{OF_RUN}::test_a_run_survives_death_at_any_write[plain-False-10]",),
    ),
    Mutation(
        "a crash under way counts as not sent",
        RUN,
        'sent="unknown", reason="crash"',
        'sent="no", reason="crash"',
        (f"{OF_RUN}::test_a_run_survives_death_at_any_write[plain-False-10]",),
    ),
    Mutation(
        "what is known of a crash is not recorded",
        RUN,
        "        await ports.store.append(owner, *drafts)\n",
        "        pass\n",
        (f"{OF_RUN}::test_a_run_survives_death_at_any_write[plain-False-2]",),
    ),
    Mutation(
        "a run is resumed without its lock",
        RUN,
        "    with ports.home.owning(run_id):\n        events =",
        "    if True:\n        events =",
        (f"{OF_RUN}::test_a_run_in_other_hands_is_not_resumed",),
    ),
    Mutation(
        "a resume forgets the effects that were begun before",
        RUN,
        "        meter.add(slot, spec, call)\n",
        "        pass\n",
        (f"{OF_DISTRIBUTOR}::test_a_resumed_run_keeps_to_its_budget",),
    ),
    Mutation(
        "a verdict leaves the effect as it was",
        CALLS,
        "step = turn.transition(reply, judged) if task.slot else None",
        "step = None",
        (f"{OF_EFFECTS}::test_a_claim_is_settled_by_the_state_of_its_object",),
    ),
    Mutation(
        "a person's decision is ignored",
        CALLS,
        "    if ruling is not None:\n",
        "    if False:\n",
        (f"{OF_EFFECTS}::test_a_person_decides_about_a_parked_effect",),
    ),
    Mutation(
        "a person decides while the run is at work",
        RESOLUTIONS,
        "    with home.owning(run_id):\n",
        "    if True:\n",
        (f"{OF_EFFECTS}::test_nobody_decides_about_a_run_at_work",),
    ),
    Mutation(
        "a person's decision leaves the effect as it was",
        RESOLUTIONS,
        "event, change=change)",
        "event)",
        (f"{OF_EFFECTS}::test_a_person_decides_about_a_parked_effect",),
    ),
    Mutation(
        "a remedy's wait is not waited for",
        CALLS,
        "    if until <= now:\n",
        "    if True:\n",
        (f"{OF_CALLS}::test_a_read_is_tried_again",),
    ),
    Mutation(
        "every account is trusted to give the marker back",
        CONTEXT,
        "            marker_trusted=connection.marker_trusted,\n",
        "            marker_trusted=True,\n",
        (f"{OF_CALLS}::test_an_untrusted_marker_proves_no_absence",),
    ),
    Mutation(
        "a slot in other hands is done",
        SLOTS,
        '        case "done":\n            state = {**done(claim["output"])',
        '        case "done" | "held":\n            state = {**done(claim.get("output"))',
        (f"{OF_DISTRIBUTOR}::test_a_key_that_another_run_is_using_is_waited_for",),
    ),
    Mutation(
        "one effect more than the budget allows",
        BUDGET,
        "made >= budget.count",
        "made > budget.count",
        (OF_BUDGET,),
    ),
    Mutation(
        "one effect more than a recipient may have",
        BUDGET,
        "had >= budget.per_recipient",
        "had > budget.per_recipient",
        (OF_BUDGET,),
    ),
    Mutation(
        "a sum that is not there is none",
        BUDGET,
        "if not _is_number(call.arguments.get(name)):",
        "if False:",
        (OF_BUDGET,),
    ),
    Mutation(
        "a resend counts as one effect more",
        BUDGET,
        "if self._share(slot, spec, call) in self._held:",
        "if False:",
        (OF_BUDGET,),
    ),
    Mutation(
        "a switch that cannot be read holds nothing back",
        SWITCH,
        'return f"the connection `{connection}` is paused ({error.strerror})"',
        'return ""',
        ("tests/journal/test_switch.py",),
    ),
    Mutation(
        "a request counts as sent only once its answer came",
        WIRE,
        "await trace(HEADER_LEAVES, {})\n            link.send(framed)\n            answer = await link.head()",
        "link.send(framed)\n            answer = await link.head()\n            await trace(HEADER_LEAVES, {})",
        (f"{OF_WIRE}::test_no_answer_in_time_is_unknown",),
    ),
    Mutation(
        "a cut after the header counts as not sent",
        WIRE,
        '    if phase in {"given", "sent"}:\n',
        '    if phase in {"given"}:\n',
        (f"{OF_WIRE}::test_answer_that_is_not_http_is_unknown",),
    ),
    Mutation(
        "a transport that says nothing counts as one that sent nothing",
        WIRE,
        '    if phase in {"given", "sent"}:\n',
        '    if phase in {"sent"}:\n',
        (f"{OF_WIRE}::test_only_a_transport_that_says_so_has_sent_nothing",),
    ),
    Mutation(
        "a late answer counts as not sent",
        WIRE,
        'return NoAnswer(sent="unknown", reason="timeout", detail=f"no whole answer within',
        'return NoAnswer(sent="no", reason="timeout", detail=f"no whole answer within',
        (f"{OF_WIRE}::test_no_answer_in_time_is_unknown",),
    ),
    Mutation(
        "a request is sent again on a cut",
        WIRE,
        "                return await _exchange(connection, outgoing)\n",
        "                try:\n                    return await _exchange(connection, outgoing)\n"
        "                except httpx.TransportError:\n"
        "                    return await _exchange(connection, outgoing)\n",
        (f"{OF_WIRE}::test_answer_that_is_not_http_is_unknown",),
    ),
    Mutation(
        "redirects are followed",
        WIRE,
        "    response = await connection.handle_async_request(request)\n",
        "    response = await connection.handle_async_request(request)\n"
        "    if response.has_redirect_location:\n"
        '        request.url = request.url.join(response.headers["location"])\n'
        "        response = await connection.handle_async_request(request)\n",
        (f"{OF_ALONE}::test_redirect_is_an_answer_and_is_not_followed",),
    ),
    Mutation(
        "what came unasked is taken for the next answer",
        LINK,
        ' and self._http.trailing_data == (b"", False)',
        "",
        (f"{OF_TRUTH}::test_silence_is_unknown_and_the_silent_connection_is_left",),
    ),
    Mutation(
        "a connection is used without looking whether it still stands",
        LINK,
        "return not arrivals.poll(0)",
        "return True",
        (f"{OF_TRUTH}::test_answered_request_came_in_once",),
    ),
    Mutation(
        "what was given up goes on travelling",
        LINK,
        'struct.pack("ii", 1, 0)',
        'struct.pack("ii", 0, 0)',
        (f"{OF_ALONE}::test_nothing_leaves_once_an_attempt_was_given_up",),
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
