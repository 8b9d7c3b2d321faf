"""The README's reference tables, made from the code they describe."""

from exporter.daemon.flags import shown
from exporter.daemon.settings import Settings
from exporter.metrics import catalogue
from exporter.metrics.families import Family
from exporter.protocol.refusals import REASONS


def settings_table() -> str:
    """Return a row for each setting."""
    rows = [
        f"| `{name}` | {_code(shown(field.default))} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


def reasons_table() -> str:
    """Return a row for each reason of a refusal."""
    rows = [
        f"| `{word}` | {reason.status} | {reason.meaning} |" for word, reason in REASONS.items()
    ]
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
