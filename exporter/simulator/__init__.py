"""Simulated callbacks, and the exact truth about them.

The flow; each word is a module::

    world  -> callback         hosts live; each callback knows what it must add (packets, meaning)
    plan   -> what goes next   pace, retries, redeliveries, delays, forgeries; scenarios
    sender -> answer           threads that post, and tell the plan what was answered
    truth  -> report -> check  what was accepted, as the samples that the exporter must show

``world``, ``packets``, ``meaning``, ``plan``, ``scenarios``, ``forgery`` and ``truth`` are
pure: time is an argument, chance is a seeded generator.  The truth is never derived from the
exporter's own reading of a packet: of the exporter only the names of metrics, the closed
label values and the signature are used.
"""
