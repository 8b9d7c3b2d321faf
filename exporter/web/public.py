"""The public listener as a Flask application: callbacks, health, nothing else.

Complete by itself under any WSGI server.  In the daemon the event loop answers callbacks
itself (``lane``) and leaves the rest to this.
"""

from functools import partial
from urllib.parse import quote

from flask import Flask, Response, request
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)

from exporter.protocol.refusals import Refusal, Rejection
from exporter.web.answers import Answer
from exporter.web.background import Background
from exporter.web.onward import Head
from exporter.web.receiver import NO_PACKET, Receiver, Request


def create_app(receiver: Receiver, background: Background | None = None) -> Flask:
    """Return the public application; ``background`` forwards its callbacks."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # nor a redirect, which would repeat Host and query

    @app.before_request
    def callback() -> Response | None:
        """Answer a callback at its path or below it, which no single rule of a router can say."""
        if not receiver.takes(request.environ["PATH_INFO"]):
            return None
        head = _head() if background and request.method == "POST" else None
        try:
            if background and head and head.is_loop(background.pseudonym):
                raise Refusal("loop")  # noqa: TRY301 - refused like a body
            body = _body(receiver.policy.max_body_bytes)
        except Refusal as refusal:
            return _response(receiver.refuse(refusal, request.remote_addr, NO_PACKET))
        forward = partial(background.start, head=head, body=body) if background and head else None
        return _response(receiver.answer(Request(body, request.remote_addr), forward))

    @app.get("/-/healthy", provide_automatic_options=False)
    def healthy() -> Response:
        return Response("healthy\n", mimetype="text/plain")

    @app.errorhandler(NotFound)
    @app.errorhandler(MethodNotAllowed)
    def refuse(error: HTTPException) -> Response:
        reason: Rejection = "not_found" if isinstance(error, NotFound) else "bad_method"
        # Whatever looks for pages on this listener is not noted: it is no callback.
        envelope = None if reason == "not_found" and request.method != "POST" else NO_PACKET
        response = _response(receiver.refuse(Refusal(reason), request.remote_addr, envelope))
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(error.valid_methods or ())
        return response

    return app


def _head() -> Head:
    path = request.environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    # Servers that keep the path as it was sent call it so; others have only the decoded one.
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or quote(path)
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers
    ]
    return Head(
        path,
        raw.partition("?")[0].encode("latin-1"),
        request.query_string,
        headers,
        request.remote_addr,
    )


def _body(limit: int) -> bytes:
    if request.method != "POST":
        raise Refusal("bad_method")
    request.max_content_length = limit + 1  # one more, to see that there is more
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refusal("too_large") from None
    except (BadRequest, OSError):  # what servers raise for a body that breaks off
        raise Refusal("malformed_json", "the body broke off") from None
    if len(body) > limit:
        raise Refusal("too_large")
    return body


def _response(answer: Answer) -> Response:
    return Response(answer.content, answer.status, answer.headers)
