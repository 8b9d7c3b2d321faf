"""Gunicorn with two listeners and two applications, composed after the fork."""

import os
import signal
from typing import TYPE_CHECKING, Final

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from exporter.daemon import tls
from exporter.daemon.composition import Composition, compose
from exporter.daemon.keys import Keys
from exporter.daemon.settings import Settings
from exporter.daemon.worker import GunicornLogger, Worker
from exporter.ledger import Limits, open_ledger

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

KEEPALIVE_SECONDS: Final = 75
"""Longer than the idle time of common proxies, so that they close first."""

GRACEFUL_SECONDS: Final = 20

log = structlog.get_logger()

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
            # The order counts: the worker serves the public one first.
            "bind": [str(settings.callback_listen), str(settings.metrics_listen)],
            "workers": settings.workers,
            "worker_class": Worker,
            "logger_class": GunicornLogger,
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
        Master(self).run()

    def load(self) -> "WSGIApplication":
        """Never called: the worker asks for the whole composition."""
        raise NotImplementedError

    def compose(self) -> Composition:
        """Open the ledger and build the applications: in a worker."""
        settings = self.settings
        # Never made here: only a start may, not a worker that lost a mounted directory.
        ledger = open_ledger(settings.ledger_url, settings.part(Limits), make=False)
        return compose(settings, self.keys, ledger)


class Master(Arbiter):
    """The process that makes the workers."""

    def reload(self) -> None:
        """Replace the workers at SIGHUP; keep them if new ones could not serve.

        So a renewed certificate comes into force, and no half of one.
        """
        if reason := _why_not(self.app.settings):
            log.error("tls.not_renewed", reason=reason)
        else:
            super().reload()


def _why_not(settings: Settings) -> str | None:
    """Return why new workers could not serve with the certificate and key that are there now."""
    if settings.tls_certfile and settings.tls_keyfile:
        try:
            tls.check(settings.tls_certfile, settings.tls_keyfile)
        except (tls.TlsError, OSError) as error:
            return str(error)
    return None


# A new worker has the master's handlers until it has set up its own, and would be deaf to
# a SIGTERM that comes before; the master would wait for it until the graceful time is over.


def _hold_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _end_by_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_sigterm()
