"""The daemon: its settings, keys, logs, and the server that composes it."""
