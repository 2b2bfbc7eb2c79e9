"""The world behind the sandbox: pure and deterministic.

Every change of state is the application of a command. The same commands, applied to a fresh world of the same
seed, give the same world: moments come with the commands, ids from counters and the seed.
"""

from collections import Counter
from datetime import datetime, timedelta

from ..contract import Frozen, JsonObject
from .account import open_account
from .arguments import Arguments
from .ledger import LEDGER_OPERATIONS
from .members import JOB_DELAY, MEMBER_OPERATIONS, finish_merge
from .offers import OFFER_OPERATIONS
from .served import Operation, Served
from .state import Batch, Merge, derive
from .vouchers import VOUCHER_OPERATIONS, finish_batch

SETTLE = timedelta(seconds=0.3)
"""An effect is readable this long after its request arrived, or never will be, whatever faults are armed: the
request may travel for `LONGEST_DELAY`, its job takes `JOB_DELAY`, and reads may lag by `LONGEST_DELAY`."""
LONGEST_DELAY = (SETTLE - JOB_DELAY) / 2

DEFAULT_SEED = 7
DEFAULT_KEY = "sandbox-key"

ROTATE_KEY = "sandbox.rotate_key"
RESET = "sandbox.reset"

OPERATIONS: dict[str, Operation] = (
    OFFER_OPERATIONS | MEMBER_OPERATIONS | LEDGER_OPERATIONS | VOUCHER_OPERATIONS
)
READS = frozenset(
    {
        "health.check",
        "forms.list",
        "perks.list",
        "shops.list",
        "contacts.get",
        "contacts.find_one_by",
        "contacts.credit_balance",
        "contact_attributes.list",
        "contact_verification.auth_token",
        "loyalty_transactions.list",
        "loyalty_transaction_attributes.list",
        "vouchers.find",
        "vouchers.list",
        "promotions.list",
    }
)
"""Operations that never write. `contacts.find_or_create` is none of them."""


class Command(Frozen):
    """One call as the world takes it, and the whole cause of what it changes."""

    operation: str
    arguments: JsonObject
    at: datetime


class Effect(Frozen):
    """One real write, in the order in which they took place."""

    operation: str
    arguments: JsonObject
    result: JsonObject | None
    at: datetime


class World:
    """One account at the vendor. `key` is the bearer token that is valid now."""

    def __init__(self, seed: int = DEFAULT_SEED, *, key: str = DEFAULT_KEY) -> None:
        self._first_key = key
        self.key = key
        self.state = open_account(seed)
        self.effects: list[Effect] = []

    def apply(self, command: Command) -> Served:
        """Do what is due by then, then answer one call, or raise a Refusal and change nothing.

        Moments must not run backwards. Calls that did not write need not be applied again to get the same
        world.
        """
        if command.operation == ROTATE_KEY:
            return self._rotate_key()
        if command.operation == RESET:
            return self._reset()
        self.advance(command.at)
        served = OPERATIONS[command.operation](self.state, Arguments(command.arguments), command.at)
        if served.wrote:
            result = served.data if isinstance(served.data, dict) else None
            self.effects.append(
                Effect.model_construct(
                    operation=command.operation, arguments=command.arguments, result=result, at=command.at
                )
            )
        return served

    def advance(self, at: datetime) -> None:
        """Do the scheduled jobs that are due; all take the same time, so they are due in their order."""
        jobs = self.state.jobs
        while jobs and jobs[0].due <= at:
            match jobs.pop(0):
                case Merge() as job:
                    finish_merge(self.state, job)
                case Batch() as job:
                    finish_batch(self.state, job)

    def truth(self) -> JsonObject:
        """Return how often each write took place, and all of them."""
        counts = Counter(effect.operation for effect in self.effects)
        return {
            "counts": dict(counts),
            "effects": [effect.model_dump(mode="json") for effect in self.effects],
        }

    def _rotate_key(self) -> Served:
        self.state.key_rotations += 1
        number = str(self.state.key_rotations)
        self.key = f"sandbox-key-{number}-{derive(self.state.seed, 'key', number)}"
        return Served(None, None, wrote=True)

    def _reset(self) -> Served:
        self.state = open_account(self.state.seed)
        self.effects = []
        self.key = self._first_key
        return Served(None, None, wrote=True)
