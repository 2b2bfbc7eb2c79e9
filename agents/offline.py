"""The model that needs no key: it follows fixed rules, replies the same always, and says it is offline."""

import re

from pydantic import JsonValue

from ..connectors.contract import JsonObject
from .findings import compose_findings, findings_of, text_of
from .model import ModelRefusal, ModelReply, ModelRequest, PickedCall, ToolCard
from .template import Filled, Scope, Unfilled, fill, sources_of

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class OfflineModel:
    """Answers for the researcher, the writer and the model judge without a model.

    The researcher asks once for each allowed read whose required parameters `given` holds, then lists every
    value of material and readings as a finding. The writer fills `voice.template` (see `template.py`), or
    writes one plain sentence for each finding; sent back, it takes `voice.short_template`, and drops
    sentences from the end until the body is shorter than the one sent back. The judge vetoes banned words
    only.
    """

    async def ask(self, request: ModelRequest) -> ModelReply | ModelRefusal:
        """Answer at once, by rule."""
        match request.role:
            case "researcher":
                return _research(request)
            case "writer":
                return _write(request)
            case "verifier":
                return _judge(request)
            case _:
                return _setup(
                    f"The offline model cannot play the role `{request.role}`; name a model for it."
                )


def _setup(detail: str) -> ModelRefusal:
    return ModelRefusal(reason="setup", detail=detail)


def _research(request: ModelRequest) -> ModelReply:
    read = {reading.tool for reading in request.readings}
    calls = [_call(card, request.given) for card in request.tools if card.name not in read]
    wanted = tuple(call for call in calls if call)
    if wanted:
        return ModelReply(calls=wanted, offline=True)
    findings = compose_findings(request.material, request.readings)
    listed: list[JsonValue] = [finding.model_dump(mode="json") for finding in findings]
    return ModelReply(output={"findings": listed, "offline": True}, offline=True)


def _call(card: ToolCard, given: JsonObject) -> PickedCall | None:
    required = card.parameters.get("required")
    properties = card.parameters.get("properties")
    names = properties if isinstance(properties, dict) else {}
    known = {name: given[name] for name in names if given.get(name) is not None}
    missing = [name for name in required if name not in known] if isinstance(required, list) else []
    return None if missing else PickedCall(tool=card.name, arguments=known)


def _write(request: ModelRequest) -> ModelReply | ModelRefusal:
    voice = request.voice
    findings = findings_of(request.material)
    rows = voice.get("rows")
    separator = voice.get("separator")
    scope = Scope(
        given=request.given,
        findings=findings,
        rows=rows if isinstance(rows, dict) else {},
        separator=separator if isinstance(separator, str) else ", ",
    )
    schema = request.answer_schema.get("properties")
    fields: JsonObject = schema if isinstance(schema, dict) else {}
    main = _main_field(fields)
    body = _body(request, scope, main)
    if isinstance(body, Unfilled):
        return _unfilled("template", body)
    output: JsonObject = {main: _signed(body.text, voice)}
    values = list(body.values)
    for name, template in _side_templates(fields, main, voice).items():
        side = fill(template, scope)
        if isinstance(side, Unfilled):
            return _unfilled(name, side)
        output[name] = side.text
        values += side.values
    if "uses" in fields:
        sources = [source for value in values for source in sources_of(value, findings)]
        output["uses"] = [*dict.fromkeys(sources)]
    lacking = [name for name in _required(request.answer_schema) if name not in output]
    if lacking:
        return _setup(f"The output schema requires `{lacking[0]}`, and `voice` has no template of that name.")
    return ModelReply(output={**output, "offline": True}, offline=True)


def _unfilled(name: str, missing: Unfilled) -> ModelRefusal:
    return _setup(
        f"`voice.{name}` has a hole `{{{missing.hole}}}` that neither the step's `with` nor a finding fills; "
        "add the value to `with`, or correct the name."
    )


def _main_field(fields: JsonObject) -> str:
    if not fields or "body" in fields:
        return "body"
    texts = [name for name, rule in fields.items() if isinstance(rule, dict) and rule.get("type") == "string"]
    return next((name for name in texts if name != "subject"), "body")


def _side_templates(fields: JsonObject, main: str, voice: JsonObject) -> dict[str, str]:
    templates = {"subject": "A message for you", **voice}
    return {
        name: template
        for name in fields
        if name not in (main, "uses", "offline") and isinstance(template := templates.get(name), str)
    }


def _required(schema: JsonObject) -> list[str]:
    required = schema.get("required")
    return [str(name) for name in required] if isinstance(required, list) else []


def _body(request: ModelRequest, scope: Scope, main: str) -> Filled | Unfilled:
    """Return the text of the letter, shorter than the one that was sent back where there is one."""
    template, short = request.voice.get("template"), request.voice.get("short_template")
    if not isinstance(template, str):
        written: Filled | Unfilled = _plain(scope.findings)
    elif request.reasons and isinstance(short, str):
        written = fill(short, scope)
    else:
        written = fill(template, scope)
    if isinstance(written, Unfilled) or not request.reasons:
        return written
    earlier = request.draft.get(main) if isinstance(request.draft, dict) else None
    if not isinstance(earlier, str):
        return written
    return Filled(_shorter(written.text, len(earlier), request.voice), written.values)


def _plain(findings: tuple[JsonObject, ...]) -> Filled:
    sentences = []
    for finding in findings:
        subject, fact, value = finding.get("subject"), finding.get("fact"), finding.get("value")
        label = f"{subject}" if subject == fact or isinstance(value, dict) else f"{subject}, {fact}"
        sentences.append(f"{label}: {text_of(value)}.")
    text = "\n".join(sentences) or "We would like to hear from you."
    return Filled(text, tuple(finding.get("value") for finding in findings))


def _shorter(text: str, limit: int, voice: JsonObject) -> str:
    """Drop sentences from the end, one by one, until the signed text is below `limit`; one stays."""
    ends = [match.start() for match in SENTENCE_END.finditer(text)]
    for end in (len(text), *reversed(ends)):
        if len(_signed(text[:end], voice)) < limit:
            return text[:end]
    return text[: ends[0]] if ends else text


def _signed(text: str, voice: JsonObject) -> str:
    signature = voice.get("signature")
    if not isinstance(signature, str) or not signature or signature in text:
        return text
    return f"{text}\n{signature}"


def _judge(request: ModelRequest) -> ModelReply:
    banned = request.voice.get("banned")
    text = " ".join(_texts(request.draft)).casefold()
    found = [word for word in banned if _has_word(text, word)] if isinstance(banned, list) else []
    reasons: list[JsonValue] = [f"The voice bans `{word}`." for word in found]
    verdict = "veto" if reasons else "pass"
    return ModelReply(output={"verdict": verdict, "reasons": reasons, "offline": True}, offline=True)


def _has_word(text: str, word: JsonValue) -> bool:
    return isinstance(word, str) and bool(re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text))


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value]
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for entry in entries for text in _texts(entry)]
