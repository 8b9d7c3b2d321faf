"""The wire: signatures, refusals, errcodes, vocabulary, events.  Pure.

Section numbers in this room are those of docs/protocol.md.
"""
