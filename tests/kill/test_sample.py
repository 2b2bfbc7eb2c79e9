"""The fixed sample of kills: nothing doubled, lost or stuck, and no false word, whatever dies when."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from mendflow.connectors.contract import JsonObject

from tests.kill.behaviours import BEHAVIOURS
from tests.kill.effects import CLASSES
from tests.kill.points import POINTS
from tests.kill.sample import SAMPLE

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]


def harness(*words: str) -> tuple[int, list[JsonObject]]:
    """Run the harness in a process of its own: whoever forks has one thread. Return its code and its cases."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.kill", "--json", *words], cwd=ROOT, capture_output=True, check=False
    )
    assert ended.stdout, ended.stderr.decode()[-2000:]
    cases: list[JsonObject] = orjson.loads(ended.stdout)["cases"]
    return ended.returncode, cases


@pytest.fixture(scope="module")
def sampled() -> tuple[int, list[JsonObject]]:
    """Give what the sample showed."""
    return harness("--sample")


def test_nothing_is_doubled_lost_or_stuck(sampled: tuple[int, list[JsonObject]]) -> None:
    """Each case ends with its effect at the vendor as often as the run says: once, or not at all."""
    code, cases = sampled
    assert ({str(one["case"]): one["violations"] for one in cases if one["violations"]}, code) == ({}, 0)


def test_each_case_is_killed_where_it_means_to_be(sampled: tuple[int, list[JsonObject]]) -> None:
    """No case of the sample misses its point: one that did would prove nothing."""
    _, cases = sampled
    assert [one["case"] for one in cases if not one["reached"]] == []
    assert sorted(str(one["case"]) for one in cases) == sorted(SAMPLE)


def test_the_sample_holds_every_point_behaviour_and_class() -> None:
    """At least 20 points, 12 behaviours and 6 classes, and the sample has each of them."""
    kills = [name.split("/") for name in SAMPLE if name.split("/")[0] in {one.name for one in CLASSES}]
    effects, behaviours, points = map(set, zip(*kills, strict=True))
    assert effects == {one.name for one in CLASSES}
    assert behaviours == {one.name for one in BEHAVIOURS}
    assert points == {one.name for one in POINTS}
    assert (len(points) >= 20, len(behaviours) >= 12, len(effects) >= 6) == (True, True, True)


def test_the_harness_sees_a_doubled_effect() -> None:
    """A run that is killed with its request under way and robbed of its journal doubles the award, and it shows."""
    code, (found,) = harness("--case", "forgetful/request_written")
    violations = found["violations"]
    assert isinstance(violations, list)
    assert (code, violations[0]) == (1, "doubled: `credit_receptions.create` took place 2 times")


def test_the_harness_sees_no_more_than_there_is() -> None:
    """A run that is robbed of its journal before anything left ends as any other."""
    code, (found,) = harness("--case", "forgetful/intent_committed")
    assert (code, found["violations"]) == (0, [])
