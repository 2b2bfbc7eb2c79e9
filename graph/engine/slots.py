"""What follows when a slot is not to be had: done already, differently asked for, in other hands, or beyond a cap."""

from langgraph.types import Command, Send

from ...verifier.course import Healed
from ...verifier.remedy import backoff
from ...verifier.verdict import Fault
from .calls import later
from .context import RunContext
from .ends import done, end_step, failed, parked, record_end
from .state import CallJob, View, parcel

MOST_SLOT_WAITS = 5


def judge_claim(context: RunContext, task: CallJob, view: View) -> Command[str]:
    """Act on the standing of a slot that is not ours."""
    claim = task.claim
    owner = f"`{claim.get('run_id')}` at `{claim.get('path')}`"
    match claim["standing"]:
        case "done":
            state = {**done(claim["output"]), "reason": f"done once already, in run {owner}"}
            return end_step(context, task.step, task.attempt, state)
        case "differs" if (claim["run_id"], claim["path"]) == (context.tape.run_id, task.path):
            # begun by an earlier process, with arguments that hold what is never stored: a secret
            return _park(
                context, task, view, owner, "its arguments are no longer what they were when it began"
            )
        case "differs":
            detail = f"the same `once` key stands with other arguments in run {owner}; nothing was sent"
            return end_step(context, task.step, task.attempt, failed(Fault(kind="slot_taken", detail=detail)))
        case "beyond":
            fault = Fault(kind="budget_spent", detail=f"{claim['reason']}; nothing was sent")
            return end_step(context, task.step, task.attempt, failed(fault))
        case "held" if len(task.course.healing) < MOST_SLOT_WAITS:
            return _wait(context, task, view, f"run {owner} is making the same effect")
        case _:
            return _park(context, task, view, owner, "its outcome is open")


def _wait(context: RunContext, task: CallJob, view: View, detail: str) -> Command[str]:
    course = task.course
    waited = Healed(fault=Fault(kind="slot_taken", detail=detail), remedy="wait")
    following = course.model_copy(
        update={"attempt": course.attempt + 1, "healing": (*course.healing, waited)}
    )
    now = context.clock.now()
    until = now + backoff(len(course.healing) + 1, task.path)
    return later(context, task.going_on(following), view, now, until)


def _park(context: RunContext, task: CallJob, view: View, owner: str, why: str) -> Command[str]:
    detail = f"run {owner} has begun the same effect, and {why}"
    other = task.claim["run_id"]
    action = (
        f"Settle that run first (`mendflow why {other}`, `mendflow resume {other}`), then resume this one."
    )
    state = parked(Fault(kind="slot_taken", detail=detail), action)
    if not context.tape.reopened(task.path, task.attempt):
        return end_step(context, task.step, task.attempt, state)
    record_end(context, task.step, task.attempt, state)
    course = task.course.model_copy(update={"attempt": task.attempt + 1, "healing": ()})
    return Command(goto=Send("distributor", parcel(task.going_on(course), view)))
