"""``make demo``: exporter, simulated hosts and, where it is installed, Prometheus, together.

``__main__``  the command: start the parts in order, watch them until Ctrl-C
``parts``     what runs, with which flags, on which ports
``programs``  start a program, wait until it answers, end it
``consumer``, ``platform``  what stands behind and before the exporter, if it is asked for
``serving``   HTTP of these two
``guide``     what is printed: where to look, and at what
"""
