"""Every metric family, declared once.  Pure.

Each module declares those that count one kind of thing; here they have one name each, whatever
module they stand in.
"""

from typing import Final

from exporter.metrics.catalogue import (
    of_callbacks,
    of_exporter,
    of_features,
    of_platform,
    of_streams,
)
from exporter.metrics.catalogue.of_callbacks import *  # noqa: F403 - all that it declares
from exporter.metrics.catalogue.of_exporter import *  # noqa: F403
from exporter.metrics.catalogue.of_features import *  # noqa: F403
from exporter.metrics.catalogue.of_platform import *  # noqa: F403
from exporter.metrics.catalogue.of_streams import *  # noqa: F403
from exporter.metrics.families import Family

_MODULES: Final = (of_streams, of_platform, of_features, of_callbacks, of_exporter)

BY_NAME: Final = {
    family.name: family
    for module in _MODULES
    for family in vars(module).values()
    if isinstance(family, Family)
}
"""Every family, in the order in which they are shown."""

LEDGER_FAMILIES: Final = tuple(one for one in BY_NAME.values() if not one.of_process)
"""What every process that shares the ledger shows alike (``collect[]=ledger``)."""
