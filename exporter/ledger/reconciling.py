"""What the platform's own lists change in a ledger: pushes of which no event came, or no end.

Pure.  A push that is known from a list alone is of unknown origin; an event of the same stream
that comes later takes its place (``pushes``).
"""

from collections.abc import Iterable

from exporter.ledger.changes import Changes, Online, Reconciled
from exporter.ledger.facts import Facts, Plan, PushRow, Questions, Series, milliseconds
from exporter.ledger.history import By
from exporter.ledger.limits import Limits
from exporter.ledger.posting import Work, may_be_admitted
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Source, source_of
from exporter.protocol.vocabulary import UNKNOWN, Stream


def questions(changes: Changes, limits: Limits) -> Questions:
    """Return what must be known to reconcile."""
    opened = {one.stream for one in changes.opened}
    closed = {one.stream for one in changes.closed}
    return Questions(
        identities=frozenset(),
        pushes={one.identity for one in changes.opened} | {one.identity for one in changes.closed},
        streams=opened | closed,
        sources=_sources(opened),
        series={
            *_series(catalogue.ACTIVE_STREAMS.name, UNKNOWN, opened),
            *_series(catalogue.EXPIRED_PUSHES.name, By.RECONCILED, closed),
        },
        watched={one for one in opened | closed if may_be_admitted(one, limits)},
    )


def plan(changes: Changes, facts: Facts, limits: Limits, now: float) -> tuple[Plan, Reconciled]:
    """Return what reconciling changes; ``now`` is the Unix time of the ledger's clock."""
    work = Work(facts, limits)
    closing = [
        one.identity
        for one in changes.closed
        if (row := facts.pushes.get(one.identity))
        and row.is_open
        and row.heard_at_ms <= one.heard_at_ms
    ]
    for identity in closing:
        work.close(identity, By.RECONCILED, milliseconds(now), now)
    opened = sum(_open(work, one, now) for one in changes.opened)
    done = Reconciled(opened, len(closing))
    work.count(done.increments(), now)
    return work.plan((), now), done


def _open(work: Work, online: Online, now: float) -> bool:
    """Open a push of which nobody sent an event, unless its stream has one."""
    push = PushRow(
        online.stream,
        source_of(*online.stream[:2]),
        UNKNOWN,
        online.began_at_ms,
        milliseconds(now),
        By.RECONCILED.value,
    )
    return work.open(online.identity, push, now)


def _sources(streams: Iterable[Stream]) -> set[Source]:
    sources = {source_of(push_domain, app_name) for push_domain, app_name, _ in streams}
    return sources.difference(NAMELESS)


def _series(family: str, label: str, streams: Iterable[Stream]) -> set[Series]:
    return {(family, source, (label,)) for source in _sources(streams)}
