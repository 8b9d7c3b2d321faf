"""What a worker serves: a ledger, the receiver, and the applications of the two listeners."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask

from exporter.daemon import logs
from exporter.daemon.keys import Keys
from exporter.daemon.settings import Settings
from exporter.ledger import Ledger
from exporter.tencent.calling import Account
from exporter.web import pages, private, public
from exporter.web.background import Background
from exporter.web.onward import Forwarding
from exporter.web.receiver import Policy, Receiver

if TYPE_CHECKING:
    from exporter.tencent.loop import Loop


@dataclass(frozen=True, slots=True)
class Composition:
    """The parts of one worker."""

    ledger: Ledger
    receiver: Receiver
    forwarding: Forwarding | None
    public: Flask
    private: Flask
    reconciliation: "Loop | None"


def compose(settings: Settings, keys: Keys, ledger: Ledger) -> Composition:
    """Return what serves a ledger."""
    receiver = Receiver(ledger, keys.keyring, settings.part(Policy), logs.write)
    view = settings.part(
        private.View,
        metrics_hosts=(*settings.metrics_hosts, settings.metrics_listen.host.lower()),
        callback_keys=len(keys.keyring),
    )
    inside = private.create_app(ledger, view)
    inside.register_blueprint(pages.blueprint(ledger, _reception(settings, keys)))
    forwarding = settings.part(Forwarding) if settings.has_consumers else None
    background = Background(forwarding, ledger) if forwarding else None
    outside = public.create_app(receiver, background)
    reconciliation = _reconciliation(settings, ledger) if settings.reconcile_seconds else None
    return Composition(ledger, receiver, forwarding, outside, inside, reconciliation)


def _reconciliation(settings: Settings, ledger: Ledger) -> "Loop":
    from exporter.tencent.loop import loop_for  # noqa: PLC0415 - only for those who want it

    pairs = [
        (push_domain, app_name)
        for push_domain, app_name, _ in settings.watched_streams
        if "*" not in push_domain + app_name
    ]
    return loop_for(ledger, settings.part(Account), pairs, settings.reconcile_seconds)


def _reception(settings: Settings, keys: Keys) -> pages.Reception:
    return pages.Reception(
        scheme="https" if settings.tls_certfile else "http",
        port=settings.callback_listen.port,
        path=settings.callback_path,
        general_keys=len(keys.keyring.general),
        keys_by_domain={domain: len(own) for domain, own in keys.keyring.by_domain.items()},
        key_file=str(keys.generated) if keys.generated else None,
        accept_unsigned=settings.accept_unsigned,
        max_sources=settings.max_sources,
        push_history_days=settings.push_history_days,
    )
