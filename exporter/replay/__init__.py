"""Packets of a file, sent again."""
