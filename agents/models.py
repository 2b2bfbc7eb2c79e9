"""From the name of a model to the model."""

from .chat import ChatModel
from .model import Model
from .offline import OfflineModel


def open_model(name: str) -> Model:
    """Return the model of a name: `offline`, or a provider string such as `openai:gpt-5.5`.

    Raises InvalidUse for another name, or where the extra `models` is not installed. Needs no key yet.
    """
    return OfflineModel() if name == "offline" else ChatModel(name)
