"""The crash points: each a name, the signal at which the process is killed, and what it stands for."""

from dataclasses import dataclass
from typing import Literal

Process = Literal["run", "resume"]


@dataclass(frozen=True, slots=True)
class Point:
    """One moment at which a process is killed."""

    name: str
    signal: str
    means: str
    during: Process = "run"
    """`resume`: the run was killed before, when the write's last byte had left, and now its resume is."""

    @property
    def blinds(self) -> bool:
        """Whether a kill here leaves an intent on disk whose outcome is not: it is unknown from then on."""
        return self.during == "resume" or self.signal in _BLINDING


_BLINDING = (
    "intent.committed",
    "write.asked",
    "write.connecting",
    "write.unwritten",
    "write.connected",
    "write.written",
    "write.head_read",
    "write.body_read",
    "write.returned",
    "fact.event",
    "fact.commit",
    "resend.committed",
    "resent.unwritten",
    "resent.written",
    "resent.body_read",
)
WRITTEN = Point("request_written", "write.written", "the write's last byte has left")

_RUN = (
    Point("start_unwritten", "start.row", "nothing of the run is in the journal"),
    Point("start_uncommitted", "start.commit", "the run's first event waits for its COMMIT"),
    Point("start_committed", "start.committed", "the run stands in the journal and has done nothing"),
    Point("claim_begun", "claim.look", "the slot is looked at, within the transaction that will take it"),
    Point("intent_effect_unwritten", "intent.effect", "the slot is free, the effect's row is not written"),
    Point("intent_event_unwritten", "intent.event", "the effect's row is written, the intent's event is not"),
    Point("intent_uncommitted", "intent.commit", "effect and intent wait for their COMMIT"),
    Point("intent_committed", "intent.committed", "the intent is on disk, the engine does not know it yet"),
    Point("write_asked", "write.asked", "the wire is asked to make the attempt"),
    Point("connecting", "write.connecting", "a connection is about to be used or made"),
    Point("connected", "write.connected", "a new connection stands, nothing was written"),
    Point("write_unwritten", "write.unwritten", "the write's first byte is about to leave"),
    WRITTEN,
    Point("head_read", "write.head_read", "the answer's head is read"),
    Point("body_read", "write.body_read", "the whole answer is read"),
    Point("write_returned", "write.returned", "the wire hands back what became of the write"),
    Point("fact_unwritten", "fact.event", "the outcome is known and not in the journal"),
    Point("fact_uncommitted", "fact.commit", "the outcome waits for its COMMIT"),
    Point("fact_committed", "fact.committed", "the outcome is on disk, the engine does not know it yet"),
    Point("judging", "write.judging", "the Verifier has the outcome and has not judged"),
    Point("verdict_posted", "write.posted", "the verdict is handed to the journal's thread"),
    Point("verdict_effect_unwritten", "verdict.effect", "the effect's change by the verdict is not written"),
    Point(
        "verdict_event_unwritten",
        "verdict.event",
        "the effect is changed, the verdict's event is not written",
    ),
    Point("verdict_uncommitted", "verdict.commit", "verdict and effect wait for their COMMIT"),
    Point("verdict_committed", "verdict.committed", "the verdict is on disk"),
    Point("reading_asked", "reading.asked", "a confirming read is about to be sent"),
    Point("reading_written", "reading.written", "a confirming read has left"),
    Point("reading_read", "reading.body_read", "a confirming read's answer is read"),
    Point("reading_uncommitted", "reading.commit", "a confirming read's answer waits for its COMMIT"),
    Point("reading_committed", "reading.committed", "a confirming read's answer is on disk"),
    Point("settled_uncommitted", "settled.commit", "what the reading settled waits for its COMMIT"),
    Point("settled_committed", "settled.committed", "what the reading settled is on disk"),
    Point("resend_uncommitted", "resend.commit", "the intent of a further attempt waits for its COMMIT"),
    Point("resend_committed", "resend.committed", "the intent of a further attempt is on disk"),
    Point("resend_unwritten", "resent.unwritten", "the first byte of a further attempt is about to leave"),
    Point("resend_written", "resent.written", "the last byte of a further attempt has left"),
    Point("resend_read", "resent.body_read", "the answer to a further attempt is read"),
    Point("end_uncommitted", "end.commit", "the step's end waits for its COMMIT"),
    Point("end_committed", "end.committed", "the step's end is on disk"),
    Point("close_uncommitted", "close.commit", "the run's end waits for its COMMIT"),
    Point("close_committed", "close.committed", "the run's end is on disk and nobody was told"),
    Point("trace_unwritten", "trace.asked", "the trace file is about to be written"),
)
_RESUME = (
    Point(
        "takeover_unwritten",
        "takeover.event",
        "the run's lock is held, its new epoch is not written",
        "resume",
    ),
    Point("takeover_uncommitted", "takeover.commit", "the new epoch waits for its COMMIT", "resume"),
    Point(
        "takeover_committed",
        "takeover.committed",
        "the run has a new owner, its open intents are open",
        "resume",
    ),
    Point("crash_unwritten", "crash.event", "the open intent is about to be closed as unknown", "resume"),
    Point("crash_uncommitted", "crash.commit", "`outcome unknown (crash)` waits for its COMMIT", "resume"),
    Point("crash_committed", "crash.committed", "`outcome unknown (crash)` is on disk", "resume"),
    Point(
        "resume_verdict_uncommitted",
        "verdict.commit",
        "the verdict on the crash waits for its COMMIT",
        "resume",
    ),
    Point("resume_verdict_committed", "verdict.committed", "the verdict on the crash is on disk", "resume"),
    Point(
        "resume_reading_asked", "reading.asked", "the resume's confirming read is about to be sent", "resume"
    ),
    Point("resume_reading_read", "reading.body_read", "the resume's confirming read is answered", "resume"),
    Point(
        "resume_reading_committed", "reading.committed", "the resume's confirming read is on disk", "resume"
    ),
    Point(
        "resume_settled_uncommitted",
        "settled.commit",
        "what the resume settled waits for its COMMIT",
        "resume",
    ),
    Point("resume_settled_committed", "settled.committed", "what the resume settled is on disk", "resume"),
    Point(
        "resume_resend_committed",
        "resend.committed",
        "the resume's further attempt has its intent on disk",
        "resume",
    ),
    Point(
        "resume_resend_written",
        "resent.written",
        "the last byte of the resume's further attempt has left",
        "resume",
    ),
    Point("resume_end_committed", "end.committed", "the step's end by the resume is on disk", "resume"),
    Point("resume_close_committed", "close.committed", "the run's end by the resume is on disk", "resume"),
)
POINTS = (*_RUN, *_RESUME)
BY_NAME = {point.name: point for point in POINTS}
