"""Receivers to compare with; each a WSGI application."""

import hmac
import os
import time
from collections.abc import Iterable
from hashlib import md5
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, request
from prometheus_client import CollectorRegistry, Counter, generate_latest, multiprocess

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "bench"

view = Flask("view")


@view.post("/callback")
def _answer() -> Response:
    return jsonify(code=0)


def bare(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer without looking: what the server alone costs."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "10")])
    return [b'{"code":0}']


naive = Flask("naive")
"""What most people would write: verified and counted, nothing durable, retries counted twice."""

_labels = ("push_domain", "app_name", "event")
_is_served = "BENCH_NAIVE" in os.environ  # else others would make its files
_counted = Counter("naive_callbacks", "Callbacks.", _labels) if _is_served else None


@naive.post("/callback")
def _count() -> tuple[Response, int]:
    packet = request.get_json(force=True)
    expected = md5(f"{KEY}{packet['t']}".encode(), usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(expected, packet["sign"]) or packet["t"] < time.time():
        return jsonify(code=403), 403
    assert _counted is not None  # noqa: S101 - asked for by whoever serves this
    _counted.labels(packet["app"], packet["appname"], str(packet["event_type"])).inc()
    return jsonify(code=0), 200


@naive.get("/metrics")
def _metrics() -> Response:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # its own
    return Response(generate_latest(registry), mimetype="text/plain")
