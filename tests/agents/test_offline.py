from hypothesis import example, given, settings
from hypothesis import strategies as st
from mendflow.agents.model import ModelRefusal, ModelReply, PickedCall, ToolCard, ToolReading
from mendflow.agents.offline import OfflineModel
from mendflow.agents.prompt import Rejection, judge_request, researcher_request, writer_request
from mendflow.agents.roles import JudgeOutput, ResearcherOutput, WriterOutput
from mendflow.connectors.contract import JsonObject
from mendflow.verifier.drafts import check_draft, check_findings
from pydantic import JsonValue

BALANCE = ToolCard(
    name="piggy.contacts.credit_balance",
    summary="Balance of a contact.",
    parameters={
        "type": "object",
        "required": ["contact_uuid"],
        "properties": {"contact_uuid": {"type": "string"}, "unit": {"type": "string"}},
    },
)
PURCHASES: list[JsonValue] = [
    {"date": "1997-01-01", "quantity": 2, "amount_usd": "29.33"},
    {"date": "1997-01-18", "quantity": 1, "amount_usd": "14.96"},
]
MATERIAL: JsonObject = {"purchases": PURCHASES, "member": {"name": "Ann", "tier": None}}
VOICE: JsonObject = {
    "template": (
        "Hi {member.name}! You bought {count} times: {purchases}. The last time was {last_date}. Come back."
    ),
    "short_template": "Hi {member.name}! We saw you last on {last_date}. Come back soon.",
    "rows": {"purchases": "{date} for ${amount_usd}"},
    "subject": "We miss you, {member.name}",
    "signature": "Your record shop",
    "banned": ["free"],
}
GIVEN: JsonObject = {"count": 2, "last_date": "1997-01-18", "purchases": PURCHASES}


async def _findings(material: JsonObject, readings: tuple[ToolReading, ...] = ()) -> JsonObject:
    request = researcher_request(model="offline", goal="g", given={}, material=material, readings=readings)
    reply = await OfflineModel().ask(request)
    assert isinstance(reply, ModelReply)
    assert isinstance(reply.output, dict)
    return reply.output


async def _draft(
    voice: JsonObject = VOICE,
    rejection: Rejection | None = None,
    schema: JsonObject | None = None,
    given: JsonObject = GIVEN,
) -> ModelReply | ModelRefusal:
    return await OfflineModel().ask(
        writer_request(
            model="offline",
            goal="g",
            given=given,
            material={"brief": await _findings(MATERIAL)},
            voice=voice,
            output_schema=schema,
            rejection=rejection,
        )
    )


async def _body(voice: JsonObject, rejection: Rejection | None = None) -> str:
    reply = await _draft(voice, rejection)
    assert isinstance(reply, ModelReply)
    return WriterOutput.model_validate(reply.output).body


async def test_researcher_asks_for_reads_it_can_make() -> None:
    """A read whose required parameters are all given is asked for once, with what is given for it."""
    request = researcher_request(
        model="offline",
        goal="g",
        given={"contact_uuid": "c-1", "other": 1, "unit": None},
        material=MATERIAL,
        tools=(BALANCE,),
    )

    assert await OfflineModel().ask(request) == ModelReply(
        calls=(PickedCall(tool=BALANCE.name, arguments={"contact_uuid": "c-1"}),), offline=True
    )


async def test_researcher_leaves_reads_it_cannot_make() -> None:
    """A read that lacks a required parameter is not asked for, and findings come at once."""
    request = researcher_request(
        model="offline", goal="g", given={"contact_uuid": None}, material={"n": 3}, tools=(BALANCE,)
    )

    assert await OfflineModel().ask(request) == ModelReply(
        output={
            "findings": [{"subject": "n", "fact": "n", "value": 3, "source": "material.n"}],
            "offline": True,
        },
        offline=True,
    )


async def test_researcher_answers_after_its_reads() -> None:
    """Once a tool is read, its values become findings with the reading as their source."""
    reading = ToolReading(
        tool=BALANCE.name,
        arguments={"contact_uuid": "c-1"},
        output={"balance": 7},
        source="m[3]/brief.read[0]",
    )
    request = researcher_request(
        model="offline",
        goal="g",
        given={"contact_uuid": "c-1"},
        material=MATERIAL,
        tools=(BALANCE,),
        readings=(reading,),
    )

    reply = await OfflineModel().ask(request)

    assert isinstance(reply, ModelReply)
    assert ResearcherOutput.model_validate(reply.output).model_dump(mode="json") == {
        "offline": True,
        "findings": [
            {"subject": "purchases", "fact": "count", "value": 2, "source": "material.purchases"},
            {
                "subject": "purchases[0]",
                "fact": "date: 1997-01-01, quantity: 2, amount_usd: 29.33",
                "value": PURCHASES[0],
                "source": "material.purchases[0]",
            },
            {
                "subject": "purchases[1]",
                "fact": "date: 1997-01-18, quantity: 1, amount_usd: 14.96",
                "value": PURCHASES[1],
                "source": "material.purchases[1]",
            },
            {"subject": "member", "fact": "name", "value": "Ann", "source": "material.member.name"},
            {
                "subject": "credit_balance",
                "fact": "balance",
                "value": 7,
                "source": "m[3]/brief.read[0].balance",
            },
        ],
    }


async def test_researcher_keeps_both_ends_of_a_long_list() -> None:
    """Of more than twenty entries the first ten and the last ten are findings, and all are counted."""
    output = await _findings({"days": list(range(25))})

    assert output["findings"] == [
        {"subject": "days", "fact": "count", "value": 25, "source": "material.days"},
        *(
            {"subject": f"days[{day}]", "fact": "entry", "value": day, "source": f"material.days[{day}]"}
            for day in (*range(10), *range(15, 25))
        ),
    ]


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e9, 1e9, allow_nan=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    material=st.dictionaries(st.text(min_size=1, max_size=6), JSON_VALUES, max_size=4),
    reading=JSON_VALUES,
)
@example(material={}, reading={"0": {"1": False}})
async def test_offline_findings_stand_where_they_say(material: JsonObject, reading: JsonValue) -> None:
    """Whatever the data, the findings made by rule pass the check of findings."""
    readings = (ToolReading(tool="a.b", arguments={}, output=reading, source="brief#1:call:0"),)

    output = await _findings(material, readings)

    assert check_findings(output, material, {"brief#1:call:0": reading}) == ()


async def test_writer_fills_the_template() -> None:
    """Holes are filled from `with` and findings, lists by their row template, and sources are named."""
    reply = await _draft()

    assert reply == ModelReply(
        output={
            "body": (
                "Hi Ann! You bought 2 times: 1997-01-01 for $29.33, 1997-01-18 for $14.96. "
                "The last time was 1997-01-18. Come back.\nYour record shop"
            ),
            "subject": "We miss you, Ann",
            "uses": [
                "material.member.name",
                "material.purchases",
                "material.purchases[0]",
                "material.purchases[1]",
            ],
            "offline": True,
        },
        offline=True,
    )


async def test_draft_of_the_writer_passes_the_check() -> None:
    """A letter whose holes hold facts of the findings is not rejected."""
    reply = await _draft()
    findings = (await _findings(MATERIAL))["findings"]

    assert isinstance(reply, ModelReply)
    assert isinstance(findings, list)
    assert (
        check_draft(reply.output, [entry for entry in findings if isinstance(entry, dict)], VOICE, {}) == ()
    )


async def test_given_values_are_no_source() -> None:
    """A value that only `with` holds fills its hole, and the check of the draft rejects it."""
    reply = await _draft(given={**GIVEN, "count": 17})
    findings = (await _findings(MATERIAL))["findings"]

    assert isinstance(reply, ModelReply)
    assert isinstance(findings, list)
    assert check_draft(reply.output, [entry for entry in findings if isinstance(entry, dict)], VOICE, {}) == (
        (
            "The number `17` in `body` stands in no finding; use only values of the findings; "
            "the nearest one is `14.96` (`material.purchases[1]`)."
        ),
    )


async def test_writer_takes_the_short_template_when_sent_back() -> None:
    """The first rewriting uses the short template."""
    first = await _draft()
    assert isinstance(first, ModelReply)

    body = await _body(VOICE, Rejection(first.output, ("too long",)))

    assert body == "Hi Ann! We saw you last on 1997-01-18. Come back soon.\nYour record shop"


async def test_writer_drops_sentences_when_sent_back_again() -> None:
    """Each further rewriting is shorter, down to one sentence."""
    bodies = [await _body(VOICE, Rejection({"body": "x" * 200}, ("too long",)))]
    for _ in range(3):
        bodies.append(await _body(VOICE, Rejection({"body": bodies[-1]}, ("too long",))))

    assert bodies == [
        "Hi Ann! We saw you last on 1997-01-18. Come back soon.\nYour record shop",
        "Hi Ann! We saw you last on 1997-01-18.\nYour record shop",
        "Hi Ann!\nYour record shop",
        "Hi Ann!\nYour record shop",
    ]


async def test_writer_without_a_template_writes_plain_sentences() -> None:
    """Without a template each finding becomes one sentence, and rewriting leaves the last ones out."""
    body = await _body({})
    shorter = await _body({}, Rejection({"body": body}, ("too long",)))

    assert body == (
        "purchases, count: 2.\n"
        "purchases[0]: date: 1997-01-01, quantity: 2, amount_usd: 29.33.\n"
        "purchases[1]: date: 1997-01-18, quantity: 1, amount_usd: 14.96.\n"
        "member, name: Ann."
    )
    assert shorter == body.removesuffix("\nmember, name: Ann.")


async def test_writer_follows_the_schema_of_the_workflow() -> None:
    """Text fields of the workflow's own schema are filled from templates of their names."""
    schema: JsonObject = {
        "type": "object",
        "required": ["message", "title"],
        "properties": {"message": {"type": "string"}, "title": {"type": "string"}},
        "additionalProperties": False,
    }

    reply = await _draft({"template": "Hi {member.name}.", "title": "For {member.name}"}, schema=schema)
    lacking = await _draft({"template": "Hi {member.name}."}, schema=schema)

    assert reply == ModelReply(
        output={"message": "Hi Ann.", "title": "For Ann", "offline": True}, offline=True
    )
    assert lacking == ModelRefusal(
        reason="setup", detail="The output schema requires `title`, and `voice` has no template of that name."
    )


async def test_writer_names_a_hole_that_nothing_fills() -> None:
    """A hole without a value is a mistake of the workflow, not an empty place in a letter."""
    assert await _draft({"template": "Hi {nick}"}) == ModelRefusal(
        reason="setup",
        detail=(
            "`voice.template` has a hole `{nick}` that neither the step's `with` nor a finding fills; "
            "add the value to `with`, or correct the name."
        ),
    )


async def test_judge_vetoes_banned_words_only() -> None:
    """The offline judge passes a draft unless it holds a banned word as a whole word."""
    verdicts = []
    for body in ("Freedom for all", "It is FREE."):
        request = judge_request(
            model="offline", rubric="kind?", draft={"body": body}, material={"findings": []}, voice=VOICE
        )
        reply = await OfflineModel().ask(request)
        assert isinstance(reply, ModelReply)
        verdicts.append(JudgeOutput.model_validate(reply.output))

    assert verdicts == [
        JudgeOutput(verdict="pass", offline=True),
        JudgeOutput(verdict="veto", reasons=("The voice bans `free`.",), offline=True),
    ]


async def test_roles_without_offline_rules_are_refused() -> None:
    """The offline model says which role it cannot play."""
    request = researcher_request(model="offline", goal="g", given={}, material={}).model_copy(
        update={"role": "designer"}
    )

    assert await OfflineModel().ask(request) == ModelRefusal(
        reason="setup", detail="The offline model cannot play the role `designer`; name a model for it."
    )
