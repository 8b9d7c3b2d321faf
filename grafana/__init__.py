"""The Grafana dashboards, as code.

``python -m grafana.build`` writes them to ``grafana/dashboards``.  One module a dashboard, each
a list of sections; ``alerts`` and ``exporters`` have panels that several show.  Below them:
``queries`` is what is asked of Prometheus, ``panels`` and ``tables`` how an answer is shown,
``overrides`` how single series and columns look, ``palette`` which colour means what, ``links``
where a click leads, ``variables`` what a dashboard can be narrowed by, ``board`` what all
dashboards share.
"""
