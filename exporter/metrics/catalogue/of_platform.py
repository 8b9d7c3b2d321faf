"""The platform's own view of streams: whether it can be asked, and what we had missed.  Pure."""

from exporter.metrics.families import Family
from exporter.protocol import api_errors

RECONCILED = Family(
    "tencent_css_reconciliation_pushes_total",
    "counter",
    "Pushes opened or closed because Tencent Cloud's API says so (reconcile_seconds), and those"
    " left open (withheld) because more than a third of all would have been closed at once.",
    {"change": ("opened", "closed", "withheld")},
    zeros=True,
)
RECONCILIATION_ERRORS = Family(
    "tencent_css_reconciliation_errors_total",
    "counter",
    "Failed calls of Tencent Cloud's API for reconciliation, by their documented code; other: not"
    " documented, or a fault on our side.",
    {"code": api_errors.CODES},
)
LAST_RECONCILIATION = Family(
    "tencent_css_reconciliation_last_success_timestamp_seconds",
    "gauge",
    "When a round last asked for all streams and got all answers. Absent until then,"
    " and while reconcile_seconds is 0.",
    latest=True,
    scale=1000,
)
