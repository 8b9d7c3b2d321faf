"""Gunicorn with two listeners and two applications, composed after the fork."""

import os
import signal
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication

from exporter.daemon.keys import Keys
from exporter.daemon.settings import Settings
from exporter.daemon.worker import GunicornLogger, Worker
from exporter.ledger import Ledger, Limits, open_ledger
from exporter.web import callbacks, pages
from exporter.web import private as exposition
from exporter.web.callbacks import Policy, Receiver

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

KEEPALIVE_SECONDS: Final = 75
"""Longer than the idle time of common proxies, so that they close first."""

GRACEFUL_SECONDS: Final = 20

_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - gunicorn makes its files there safely


class Server(BaseApplication):
    """The daemon: one gunicorn, run by ``run()`` until a signal ends it."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self.settings = settings
        self.keys = keys
        super().__init__()

    def load_config(self) -> None:
        """Turn our settings into gunicorn's."""
        settings = self.settings
        options = {
            # The order counts: Worker.load_wsgi relies on it.
            "bind": [str(settings.callback_listen), str(settings.metrics_listen)],
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_class": Worker,
            "logger_class": GunicornLogger,
            "worker_exit": _close_worker,
            "keepalive": KEEPALIVE_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "timeout": 60,
            "certfile": settings.tls_certfile and str(settings.tls_certfile),
            "keyfile": settings.tls_keyfile and str(settings.tls_keyfile),
            # The workers' heartbeats: not held up by a slow disk, and on a root file system
            # that is read-only.
            "worker_tmp_dir": _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None,
            "proc_name": "css-exporter",
            # A client's headers must not become ours.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until a signal ends it."""
        os.register_at_fork(
            before=_hold_sigterm,
            after_in_parent=_let_sigterm,
            after_in_child=_end_by_sigterm,
        )
        super().run()

    def load(self) -> "WSGIApplication":
        """Never called: Worker.load_wsgi asks for the applications, and knows the sockets."""
        raise NotImplementedError

    def applications(self) -> "tuple[Ledger, Receiver, WSGIApplication, WSGIApplication]":
        """Open the ledger and build receiver, public and private application: in a worker."""
        settings = self.settings
        # Never made here: only a start may, not a worker that lost a mounted directory.
        ledger = open_ledger(settings.ledger_url, settings.part(Limits), make=False)
        return ledger, *compose(settings, self.keys, ledger)


def compose(
    settings: Settings, keys: Keys, ledger: Ledger
) -> "tuple[Receiver, WSGIApplication, WSGIApplication]":
    """Return the receiver, and the public and the private application."""
    view = settings.part(exposition.View, callback_keys=len(keys.keyring))
    receiver = Receiver(ledger, keys.keyring, settings.part(Policy))
    private = exposition.create_app(ledger, view)
    private.register_blueprint(pages.blueprint(ledger, _reception(settings, keys)))
    return receiver, callbacks.create_app(receiver), private


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
    )


def _close_worker(_server: Any, worker: Worker) -> None:
    worker.summarise()
    if worker.ledger:
        worker.ledger.close()


# A new worker has the master's handlers until it has set up its own, and would be deaf to
# a SIGTERM that comes before; the master would wait for it until the graceful time is over.


def _hold_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _end_by_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_sigterm()
