"""The life of one simulated process: it may die between any two things it does, and does nothing afterwards."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from random import Random


class Life:
    """One process. `kill_rate` is the chance of its death at each point that it passes."""

    def __init__(self, dice: Random, kill_rate: float, deaths: Counter[str]) -> None:
        self.is_dead = False
        self._deaths = deaths
        self._task: asyncio.Task[object] | None = None
        self._wills: list[Callable[[], None]] = []
        rate = min(kill_rate, 0.5)
        self._left = math.ceil(math.log(1 - dice.random()) / math.log(1 - rate)) if rate > 0 else -1

    def lead(self, task: asyncio.Task[object]) -> None:
        """Name the task that ends with this life."""
        self._task = task

    def bequeath(self, will: Callable[[], None]) -> None:
        """Name what happens at the moment of death, such as what a kernel or a disk still does."""
        self._wills.append(will)

    def passes(self, point: str) -> bool:
        """Come to a point of the program. Returns False when the process is dead, or dies here."""
        if self.is_dead:
            return False
        self._left -= 1
        if self._left != 0:
            return True
        self._deaths[point] += 1
        self.is_dead = True
        for will in self._wills:
            will()
        if self._task is not None:
            self._task.cancel()
        return False

    def demand(self, point: str) -> None:
        """Come to a point, and unwind where the process is dead: a killed process never goes on."""
        if not self.passes(point):
            raise asyncio.CancelledError
