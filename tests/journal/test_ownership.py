"""The rules by which the journal admits a write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mendflow.connectors.errors import IllegalTransition, LostOwnership
from mendflow.journal.ownership import admit_change, admit_version, admit_writer, next_epoch

EPOCHS = st.integers(1, 50)
RUNS = st.sampled_from(["r", "q"])


@given(EPOCHS, st.none() | EPOCHS)
def test_only_the_present_epoch_writes(epoch: int, present: int | None) -> None:
    """An owner of any other epoch, or of a run that is not there, is refused."""
    if epoch == present:
        admit_writer("r", epoch, present)
        return
    with pytest.raises(LostOwnership, match="Run `r`"):
        admit_writer("r", epoch, present)


@given(EPOCHS)
def test_a_takeover_shuts_out_every_earlier_owner(present: int) -> None:
    """Nobody who was admitted before is admitted after it."""
    taken = next_epoch(present)
    for earlier in range(1, present + 1):
        with pytest.raises(LostOwnership, match="was taken over by another process"):
            admit_writer("r", earlier, taken)
    admit_writer("r", taken, taken)


@given(RUNS, st.none() | RUNS)
def test_only_the_holder_changes_an_effect(run_id: str, holder: str | None) -> None:
    """A slot of another run, or of none, is not to be changed."""
    if run_id == holder:
        admit_change(run_id, "s", holder)
        return
    with pytest.raises(
        LostOwnership, match=f"belongs to {f'run `{holder}`' if holder else 'no run'}, not to"
    ):
        admit_change(run_id, "s", holder)


@given(st.sampled_from(["planned", "intent", "unknown", "refused", "parked", "done"]), EPOCHS, EPOCHS)
def test_an_effect_only_goes_forward(state: str, last: int, version: int) -> None:
    """A newer version follows an older one, and nothing follows `done`."""
    admit_version("s", None, version)
    if state != "done" and version > last:
        admit_version("s", (state, last), version)
        return
    with pytest.raises(IllegalTransition, match=f"was to follow version {last}, which is {state}"):
        admit_version("s", (state, last), version)


def test_a_run_that_is_not_there_is_named() -> None:
    """It was not taken over: its journal is another one."""
    with pytest.raises(LostOwnership, match="Run `r` is not in the journal to which it writes"):
        admit_writer("r", 1, None)
