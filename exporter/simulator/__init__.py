"""Simulated callbacks, and exactly what an exporter must show of them.

The flow; each word is a module::

    world   -> callback            hosts live; each packet comes with what it must add
    plan    -> what is sent next   pace, retries, redeliveries, delays, forgeries, scenarios
    sender  -> answer              threads that send, and give the plan each answer
    expected -> report -> check    what an exporter must show, given its answers; and does it?

Most of them are pure, and say so: time is an argument, chance is a seeded generator.  What is
expected never comes from the exporter's own reading of a packet: only its names of metrics, its
label values and its signature are used.
"""
