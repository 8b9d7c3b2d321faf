"""The two Flask applications under an ordinary WSGI server, as settings in the environment say.

What ``python -m support.wsgi`` serves must answer like the daemon's event loop.
"""

import signal
import sys
import threading

from werkzeug.serving import make_server

from exporter.daemon import logs
from exporter.daemon.composition import compose
from exporter.daemon.keys import keys_of
from exporter.daemon.loading import load
from exporter.ledger import Limits, open_ledger


def main() -> None:
    """Serve until SIGTERM."""
    settings = load({}).settings
    logs.configure("json", settings.log_level)
    ledger = open_ledger(settings.ledger_url, settings.part(Limits))
    composition = compose(settings, keys_of(settings), ledger)
    servers = [
        make_server(address.host, address.port, application, threaded=True)
        for address, application in (
            (settings.callback_listen, composition.public),
            (settings.metrics_listen, composition.private),
        )
    ]
    for server in servers:  # none answers before all can
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait({signal.SIGTERM})
    ledger.close()
    sys.exit(0)


if __name__ == "__main__":
    main()
