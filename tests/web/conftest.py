"""Fixtures of tests of forwarding."""

from collections.abc import Iterator

import pytest
from support.consumer import Consumer


@pytest.fixture(scope="module")
def one_consumer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """Return the consumer of a module's tests."""
    with Consumer(tmp_path_factory.mktemp("consumer")) as consumer:
        yield consumer


@pytest.fixture
def consumer(one_consumer: Consumer) -> Consumer:
    """Return the consumer, behaving well."""
    one_consumer.behave()
    return one_consumer
