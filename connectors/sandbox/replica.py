"""What reads show while an effect is hidden: a copy of the world that follows it in order, as replicas do."""

from collections import deque
from datetime import datetime

from .served import Served
from .world import Command, World


class Replica:
    """Answers reads for a world. As long as nothing is hidden, that is the world itself."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._copy = World(world.state.seed)
        self._followed = 0
        """How many effects of the world the copy has."""
        self._hidden: deque[tuple[int, datetime]] = deque()

    def hide(self, place: int, until: datetime) -> None:
        """Keep an effect, by its place, and all that come after it out of sight until a moment."""
        self._hidden.append((place, until))

    def read(self, command: Command) -> Served:
        """Answer a read, or raise a Refusal, as of the moment before the first effect that is hidden."""
        while self._hidden and self._hidden[0][1] <= command.at:
            self._hidden.popleft()
        if not self._hidden:
            return self._world.apply(command)
        place, _ = self._hidden[0]
        for effect in self._world.effects[self._followed : place]:
            self._copy.apply(
                Command.model_construct(operation=effect.operation, arguments=effect.arguments, at=effect.at)
            )
        self._followed = place
        return self._copy.apply(command.model_copy(update={"at": self._world.effects[place].at}))
