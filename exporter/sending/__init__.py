"""Sending callbacks, whether they are invented (``simulator``) or taken from a file (``replay``).

``requests``    a packet, signed and made a request; what its answer says
``connection``  one keep-alive connection to the callback URL
``threads``     parallel connections, each in a thread
``progress``    how far it is, on a terminal or in plain lines; Ctrl-C
``options``     the flags of the command line that both share
"""
