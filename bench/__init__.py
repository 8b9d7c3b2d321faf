"""How fast, and beside what: all contenders in one run, in turns.

    contenders   what is measured: a bare view, a bare callable, what most people would write,
                 Pushgateway, and the exporter in its forms
    load         what is sent: wrk with distinct signed packets, and clients that close late
    measures     what is asked: rates by turns, full ledgers, slow disks, scrapes, start, memory
    report       medians and spread, as docs/benchmarks.md and the raw data beside it

``make bench`` runs all of it; ``python -m bench --help`` says how to run a part.
"""
