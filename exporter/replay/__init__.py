"""Send the callbacks of a file again.

``lines``  packets from JSON lines, and their times; pure
``pace``   when each packet is sent, and by how much its times are moved; pure
``run``    a replay: what is sent, what became of it
``cli``    the command
"""
