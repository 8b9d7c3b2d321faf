"""Count the event callbacks of Tencent Cloud Streaming Services (CSS), exactly once.

The flow, from a callback to a scrape; each word is a module::

    bytes -> receiver -> signature    is this from a holder of one of our keys, now?
                      -> events       every dialect of the wire ends here
                      -> entries      what the event means to the ledger
                      -> ledger       one durable transaction: new? then apply and count
                      -> 200          only after the commit

    ledger -> snapshot -> exposition  metric families, declared in the catalogue
           -> deliveries -> pages     what arrived, and why something was refused

The rooms, from the inside out; a room imports from those before it, never from one after:

``protocol``   the wire: signature, refusals, errcodes, vocabulary, events; pure
``metrics``    families, catalogue, entries: what an event means to a count; pure
``ledger``     where counts live: one contract, SQLite, PostgreSQL, memory
``web``        what is asked over HTTP: the receiver, exposition, pages
``tencent``    Tencent Cloud's API: templates, reconciliation, backfill (an extra)
``daemon``     settings, keys, logs, worker, server; what says what is wrong with them (doctor)
``sending``    the other end of the wire: requests, connections, progress
``simulator``  invented callbacks, and what an exporter must show of them
``replay``     callbacks of a file, sent again
``demo``       exporter, simulator and Prometheus together
``files``      no code: links to the dashboards, rules and examples that the package carries

``cli`` is the shell around all of them.  Importing a module does nothing.
"""

from typing import Final

DISTRIBUTION: Final = "tencent-css-exporter"
