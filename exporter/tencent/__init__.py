"""Tencent Cloud's API: callback templates and their rules.

``templates`` and ``checks`` decide, pure; ``client`` asks; ``commands`` is the command line.
The official package is an extra (``tencentcloud``) and imported when something is asked.
"""
