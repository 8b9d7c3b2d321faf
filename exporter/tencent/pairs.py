"""Which push domains and app names the API is asked for."""

from exporter.ledger import Ledger
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS
from exporter.protocol.vocabulary import UNKNOWN
from exporter.tencent.reading import Pair

_FAMILIES = {
    family.name for family in (catalogue.ACTIVE_STREAMS, catalogue.PUSHES, catalogue.INTERRUPTIONS)
}


def known_pairs(ledger: Ledger) -> list[Pair]:
    """Return the pairs whose pushes a ledger has ever counted.  Raises ``LedgerUnavailable``."""
    labels = (cell.labels for cell in ledger.snapshot().cells if cell.family in _FAMILIES)
    pairs = {(push_domain, app_name) for push_domain, app_name, *_ in labels}
    return sorted(pair for pair in pairs if pair not in NAMELESS and UNKNOWN not in pair)
