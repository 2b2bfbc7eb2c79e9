"""Who may write what: the rules by which the journal admits a write. Pure: plain values in, an error or nothing out.

The tables ask them within the transaction that writes, so what they are given cannot change before it is used.
"""

from ..connectors.errors import IllegalTransition, LostOwnership

FIRST_EPOCH = 1


def next_epoch(present: int) -> int:
    """Return the epoch of whoever takes the run over; whoever had an earlier one can write no more."""
    return present + 1


def admit_writer(run_id: str, epoch: int, present: int | None) -> None:
    """Admit the owner of the run's present epoch (None: there is no such run). Raises LostOwnership."""
    if present is None:
        raise LostOwnership(
            f"Run `{run_id}` is not in the journal to which it writes.",
            help="Put back the journal with which it began, then resume the run.",
        )
    if epoch != present:
        raise LostOwnership(
            f"Run `{run_id}` was taken over by another process.", help="Let that process finish it."
        )


def admit_change(run_id: str, slot: str, holder: str | None) -> None:
    """Admit the run that holds the slot (None: nobody does). Raises LostOwnership."""
    if holder != run_id:
        raise LostOwnership(
            f"The effect `{slot}` belongs to {f'run `{holder}`' if holder else 'no run'}, not to `{run_id}`.",
            help=f"`mendflow resume {run_id}` finds out how the effect stands.",
        )


def admit_version(slot: str, before: tuple[str, int] | None, version: int) -> None:
    """Admit a newer version of the effect whose state and version were `before` (None: it is new).

    A done effect is done for ever. Raises IllegalTransition.
    """
    if before is None:
        return
    state, last = before
    if state == "done" or version <= last:
        raise IllegalTransition(
            f"Version {version} of the effect `{slot}` was to follow version {last}, which is {state}.",
            help="This is an error of mendflow, and nothing was written: please report it with the run's trace.",
        )
