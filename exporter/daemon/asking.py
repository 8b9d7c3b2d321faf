"""Asking an exporter that runs on this machine what it says of itself."""

import json
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from exporter.daemon.setting_types import Address
from exporter.daemon.settings import Settings
from exporter.ledger import REFUSED
from exporter.metrics import catalogue

_SECONDS: Final = 10.0
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class ExporterAnswer(NamedTuple):
    """An answer; its status is 0 if there was none, and the text says why."""

    status: int
    text: str


class RunningExporter:
    """The exporter that runs with some settings, if it does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if settings.tls_certfile:
            # Its name is the public one, not that of this address.
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._open = urllib.request.build_opener(*handlers).open

    def answers(self, address: Address) -> bool:
        """Return whether what listens on an address is an exporter."""
        return self.get("/-/healthy", address) == ExporterAnswer(200, "healthy\n")

    def get(self, path: str, address: Address | None = None) -> ExporterAnswer:
        """Ask for a path, of the private listener if no address is given."""
        host, port = address or self._settings.metrics_listen
        scheme = "https" if self._settings.tls_certfile else "http"
        url = f"{scheme}://{Address(_LOOPBACK.get(host, host), port)}{path}"
        request = urllib.request.Request(url)  # noqa: S310 - of our own settings
        if address is None and self._settings.metrics_token:
            token = self._settings.metrics_token.get_secret_value()
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with self._open(request, timeout=_SECONDS) as response:
                return ExporterAnswer(response.status, response.read().decode(errors="replace"))
        except urllib.error.HTTPError as error:
            return ExporterAnswer(error.code, error.read().decode(errors="replace"))
        except (OSError, HTTPException, ValueError) as error:
            return ExporterAnswer(0, str(error))

    @staticmethod
    def callbacks_taken(metrics: str) -> int:
        """Return how many callbacks an exposition says were taken, redeliveries included."""
        wanted = {catalogue.CALLBACKS.name, catalogue.DUPLICATES.name}
        return sum(
            int(sample.value)
            for family in text_string_to_metric_families(metrics)
            for sample in family.samples
            if sample.name in wanted
        )

    def refusals(self) -> dict[str, str]:
        """Return the hint for each reason of the refusals that are kept."""
        answer = self.get(f"/deliveries.json?outcome={REFUSED}")
        if answer.status != 200:
            return {}
        newest_first = json.loads(answer.text)["deliveries"]
        return {one["reason"]: one["hint"] for one in reversed(newest_first)}
