"""Pages, and fields that must be there, as the API has them."""

from typing import Any, TypeVar

from support.tencent.signing import ApiFault

T = TypeVar("T")


def needed(fields: dict[str, Any], *names: str) -> list[Any]:
    """Return the values of fields that must be there."""
    for name in names:
        if name not in fields:
            raise ApiFault("MissingParameter", f"The request is missing {name!r}.")
    return [fields[name] for name in names]


def paged(
    items: list[T], fields: dict[str, Any], sizes: tuple[int, int]
) -> tuple[list[T], dict[str, int]]:
    """Return the page that was asked for, and what the answer says of pages."""
    number, size = fields.get("PageNum", 1), fields.get("PageSize", 10)
    if number < 1 or not sizes[0] <= size <= sizes[1]:
        raise ApiFault("InvalidParameterValue", f"PageSize {size}, PageNum {number}")
    words = {
        "TotalNum": len(items),
        "TotalPage": -(-len(items) // size),
        "PageNum": number,
        "PageSize": size,
    }
    return items[(number - 1) * size : number * size], words
