"""The documents, and the parts of them that are made from the code they describe.

``python -m docs.build`` rewrites those parts.  ``tables`` has one function for each;
``log_events`` finds what the exporter logs.
"""
