"""Tencent Cloud's API: callback templates and their rules, and what was not called back.

``templates`` and ``checks`` decide, pure; ``client`` asks; ``commands`` is the command line.
``matching`` finds the pushes of the platform's list in the ledger, pure; ``backfill`` asks and
records, ``backfill_words`` says so; its command is in ``daemon``, which has the ledger.
The official package is an extra (``tencentcloud``) and imported when something is asked.
"""
