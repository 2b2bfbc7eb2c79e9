"""The Verifier's node: hands every result to the pure judgement, records the decision, sends the work on."""

from langgraph.runtime import Runtime
from langgraph.types import Command

from .calls import judge_call
from .context import RunContext
from .drafts import judge_draft, judge_review
from .slots import judge_claim
from .state import AuthorJob, CallJob, Parcel, ReviewJob


async def verifier(state: Parcel, runtime: Runtime[RunContext]) -> Command[str]:
    """Judge the result of a call, a draft, or a step whose draft a `verify` step names."""
    job, view = state["job"], state["view"]
    match job["kind"]:
        case "call":
            task = CallJob.model_validate(job)
            return (judge_claim if task.claim else judge_call)(runtime.context, task, view)
        case "draft":
            return judge_draft(runtime.context, AuthorJob.model_validate(job), view)
        case "review":
            return await judge_review(runtime.context, ReviewJob.model_validate(job), view)
        case other:
            raise TypeError(f"the Verifier got a job of kind {other!r}")
