"""The README's reference tables, made from the code they describe."""

from exporter.daemon.flags import shown
from exporter.daemon.settings import Settings
from exporter.metrics import catalogue
from exporter.metrics.families import Family
from exporter.protocol.refusals import STATUS

HINTS = {
    "malformed_json": "the body is not JSON, or broke off",
    "not_an_object": "the body is JSON, but no object",
    "missing_field": "a field that a count depends on is missing",
    "bad_field": "such a field has no usable type or size",
    "unsigned": "no `sign` or no `t`, and the event is not in `accept_unsigned`",
    "bad_signature": "no key that may sign for this push domain signed it",
    "expired": "`t` is past by more than the tolerance: a late packet, or this clock is fast",
    "not_yet_valid": "`t` is too far ahead: this clock is slow",
    "not_found": "another path",
    "bad_method": "not a POST",
    "too_large": "the body is larger than `max_body_bytes`",
    "ledger_unavailable": "the ledger cannot commit; the sender comes back",
}


def settings_table() -> str:
    """Return a row for each setting."""
    rows = [
        f"| `{name}` | {_code(shown(field.default))} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


def reasons_table() -> str:
    """Return a row for each reason of a refusal."""
    rows = [f"| `{reason}` | {status} | {HINTS[reason]} |" for reason, status in STATUS.items()]
    return "\n".join(["| reason | status | means |", "|---|---|---|", *rows])


def metrics_table() -> str:
    """Return a row for each metric family."""
    rows = [
        f"| `{family.name}` | {family.kind} | {_labels(family)} | {family.help} |"
        for family in catalogue.BY_NAME.values()
    ]
    return "\n".join(["| family | kind | labels | meaning |", "|---|---|---|---|", *rows])


TABLES = {"settings": settings_table, "reasons": reasons_table, "metrics": metrics_table}


def _labels(family: Family) -> str:
    return ", ".join(f"`{name}`" for name in family.label_names)


def _code(value: str) -> str:
    return f"`{value}`" if value else "none"
