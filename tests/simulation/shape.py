"""How large a world is and within which bounds its vendor keeps; drawn from its seed."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.simulation.mixes import NAMED, Mix, drawn
from tests.simulation.workloads import EACH, FEW, GROUPS

DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Shape:
    """One world before anything happens in it."""

    seed: int
    mix: Mix
    group: str
    people: int
    runs: int
    overlap: float
    """The share of people for whom a second run is as well."""
    parallel: int
    settle: timedelta
    timeout: timedelta
    is_crowded: bool
    """Whether all awards go to one contact, so that their listing has many pages."""

    def dice(self, purpose: str) -> Random:
        """Return the world's own luck for one purpose, the same ever again."""
        return luck(self.seed, purpose)


def draw_shape(seed: int, mix: str, effects: int) -> Shape:
    """Draw a world of about so many effects."""
    dice = luck(seed, "shape")
    group = dice.choice(GROUPS)
    return Shape(
        seed=seed,
        mix=drawn(luck(seed, "mix")) if mix == DRAWN else NAMED[mix],
        group=group,
        people=FEW if group == "flat" else max(1, effects // EACH[group]),
        runs=dice.choice((1, 1, 1, 1, 2, 3)),
        overlap=1.0 if group == "flat" else dice.choice((0.2, 0.9)),
        parallel=dice.choice((1, 2, 4, 4, 8, 32)),
        settle=timedelta(seconds=dice.choice((1, 5, 40))),
        timeout=timedelta(seconds=dice.choice((2, 10))),
        is_crowded=group == "awards" and dice.random() < 0.1,
    )


def luck(seed: int, purpose: str) -> Random:
    """Return the dice of a seed for one purpose."""
    return Random(f"{seed}:{purpose}")  # noqa: S311  # a seed, not a secret
