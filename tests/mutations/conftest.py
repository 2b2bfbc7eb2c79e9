"""The laboratory in which mutations are tried; each worker of a test run has its own."""

from collections.abc import Iterator

import pytest

from tests.mutations.trial import Laboratory


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Return a laboratory with a copy of the package as it is now."""
    with Laboratory(tmp_path_factory.mktemp("mutations")) as opened:
        yield opened
