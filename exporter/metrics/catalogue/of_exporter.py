"""The exporter: what it remembers, how quick it is, whether it is well.  Pure."""

from exporter.metrics.catalogue.of_callbacks import REJECTIONS
from exporter.metrics.families import Family

OPEN_PUSHES = Family(
    "tencent_css_exporter_open_pushes", "gauge", "Open pushes in the ledger.", zeros=True
)
SOURCES = Family(
    "tencent_css_exporter_sources",
    "gauge",
    "Pairs of push_domain and app_name that have labels of their own, at most max_sources.",
    zeros=True,
)
SERIES = Family(
    "tencent_css_exporter_series",
    "gauge",
    "Series stored of all sources, at most max_series; a histogram counts as one.",
    zeros=True,
)
MAX_SERIES = Family(
    "tencent_css_exporter_max_series",
    "gauge",
    "The setting max_series: a series that would be one too many counts under other.",
)
COMMIT_SECONDS = Family(
    "tencent_css_exporter_ledger_commit_seconds",
    "histogram",
    "Duration of the ledger's transactions, each shared by the callbacks that waited for it.",
    scale=1_000_000,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
SCRAPE_SECONDS = Family(
    "tencent_css_exporter_scrape_seconds",
    "histogram",
    "Duration of earlier scrapes of the ledger's metrics.",
    scale=1_000_000,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
LAST_SCRAPE = Family(
    "tencent_css_exporter_last_scrape_timestamp_seconds",
    "gauge",
    "When Prometheus last scraped these metrics. A series that was shown with its value by then"
    " is not shown at 0 again, whatever the clocks of the exporter's machines do.",
    latest=True,
    scale=1000,
)
BUILD_INFO = Family(
    "tencent_css_exporter_build_info",
    "gauge",
    "Version of the exporter and of the Python that runs it; always 1.",
    {"version": (), "python_version": ()},
    of_process=True,
)
LEDGER_UP = Family(
    "tencent_css_exporter_ledger_up",
    "gauge",
    "1 while this process can commit to the ledger, else 0.",
    of_process=True,
)
CALLBACK_KEYS = Family(
    "tencent_css_exporter_callback_keys", "gauge", "Callback keys that may sign.", of_process=True
)
UNCOMMITTED_REJECTIONS = Family(
    "tencent_css_exporter_uncommitted_rejections",
    "gauge",
    "Callbacks refused by this process that tencent_css_callback_rejections_total does not have"
    " yet, because the ledger could not commit.",
    {"reason": REJECTIONS.labels["reason"]},
    of_process=True,
)
