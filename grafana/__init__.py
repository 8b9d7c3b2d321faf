"""The Grafana dashboards, as code.

``python -m grafana.build`` writes them to ``grafana/dashboards``.  One module a dashboard;
``queries`` is what is asked of Prometheus, ``panels`` how an answer is shown, ``board`` what
all dashboards share, ``palette`` which colour means what.
"""
