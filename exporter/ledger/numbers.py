"""A number as it becomes while a plan is made.  Pure."""


class Number:
    """What is added to a cell, or its latest value."""

    __slots__ = ("created_at", "is_latest", "value")

    def __init__(self, value: int, created_at: float, *, is_latest: bool = False) -> None:
        self.value = value
        self.created_at = created_at
        self.is_latest = is_latest
