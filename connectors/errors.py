"""What went wrong on our side or the user's, as exceptions; the far side's failures are `Fault` data instead.

MendflowError
├── InvalidUse            a command, option or setting that cannot be used as given
│   └── OutputLost        what was to be printed cannot be written (`service.screen`)
├── InvalidWorkflow       a workflow file with mistakes; carries all of them
├── MissingCredential     a secret whose source holds nothing
├── UnknownTool           a tool name that no connector offers
├── StoreError            the journal's home or store cannot be used
│   └── RunExists         a run of that name was started before
├── LostOwnership         another process has taken over the run
├── Divergence            a replay asked for something the tape does not hold
└── IllegalTransition     the effect protocol was asked for a step it forbids: an error of ours
"""


class MendflowError(Exception):
    """The root of the tree.

    `code` is a stable word for programs, `help` says what to do next. Neither holds secrets or payloads.
    """

    code = "mendflow"

    def __init__(self, message: str, *, help: str = "") -> None:  # noqa: A002  # the word the design gives
        super().__init__(message)
        self.message = message
        self.help = help


class InvalidUse(MendflowError):
    """A command, an option or a setting cannot be used as given."""

    code = "invalid_use"


class MissingCredential(InvalidUse):
    """The source of a secret holds nothing."""

    code = "missing_credential"


class UnknownTool(InvalidUse):
    """No connector offers a tool of this name."""

    code = "unknown_tool"


class StoreError(InvalidUse):
    """The journal's home or its store cannot be used."""

    code = "store"


class RunExists(StoreError):
    """A run of that name was started before."""

    code = "run_exists"


class LostOwnership(MendflowError):
    """Another process has taken over the run; this one must stop writing."""

    code = "lost_ownership"


class IllegalTransition(MendflowError):
    """The effect protocol was asked for a step that it forbids."""

    code = "illegal_transition"
