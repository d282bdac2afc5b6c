"""Prepares the next batch while the network learns from this one."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Order = TypeVar("Order")
Batch = TypeVar("Batch")


def one_ahead(make: Callable[[Order], Batch], orders: Sequence[Order]) -> Iterator[Batch]:
    """Makes a batch of each order, always one ahead, in a thread of its own.

    One thread alone draws numbers, so the order of chance stays the same.
    """
    with ThreadPoolExecutor(1) as helper:
        following = helper.submit(make, orders[0])
        for order in orders[1:]:
            ready = following.result()
            following = helper.submit(make, order)
            yield ready
        yield following.result()
