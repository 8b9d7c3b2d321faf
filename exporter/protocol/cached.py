"""``functools.cached_property`` without its lock.

Python 3.11 takes a lock at each first use, which costs more than what a property does.
Read from two threads at the same moment it is computed twice.  Pure.
"""

from functools import cached_property as _cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    cached_property = _cached_property
else:

    class cached_property(_cached_property):  # noqa: N801 - as it is called elsewhere
        """A property that is computed once for each object, and kept in it."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            """Compute, and be hidden by the result from now on."""
            if instance is None:
                return self
            value = instance.__dict__[self.attrname] = self.func(instance)
            return value
