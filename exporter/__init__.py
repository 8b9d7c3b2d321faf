"""Count the event callbacks of Tencent Cloud Streaming Services (CSS), exactly once.

The flow, from a callback to a scrape; each word is a module::

    bytes -> callbacks -> signature   is this from a holder of one of our keys, now?
                       -> events      every dialect of the wire ends here
                       -> entries     what the event means to the ledger
                       -> ledger      one durable transaction: new? then apply and count
                       -> 200         only after the commit

    ledger -> snapshot -> exposition  metric families, declared in catalogue
           -> deliveries -> pages     what arrived, and why something was refused

``signature``, ``errcodes``, ``vocabulary``, ``events``, ``families``, ``catalogue`` and
``entries`` are the pure core: no clock, no environment, no log, no I/O.  ``settings``,
``server`` (with its ``worker``) and ``cli`` compose the rest; ``simulator`` is the other end
of the wire.  Importing a module does nothing.
"""
