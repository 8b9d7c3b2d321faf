"""The public listener as a Flask application: callbacks, health, nothing else.

Complete by itself under any WSGI server.  In the daemon the event loop answers callbacks
itself (``lane``) and leaves the rest to this.
"""

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
from exporter.web.receiver import NOTHING, Receiver, Request


def create_app(receiver: Receiver) -> Flask:
    """Return the public application."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # nor a redirect, which would repeat Host and query

    @app.before_request
    def callback() -> Response | None:
        """Answer a callback: at its path and below it, which no rule of a router says alike."""
        if not receiver.takes(request.environ["PATH_INFO"]):
            return None
        try:
            body = _body(receiver.policy.max_body_bytes)
        except Refusal as refusal:
            return _response(receiver.refuse(refusal, request.remote_addr, NOTHING))
        return _response(receiver.answer(Request(body, request.remote_addr)))

    @app.get("/-/healthy", provide_automatic_options=False)
    def healthy() -> Response:
        return Response("healthy\n", mimetype="text/plain")

    @app.errorhandler(NotFound)
    @app.errorhandler(MethodNotAllowed)
    def refuse(error: HTTPException) -> Response:
        reason: Rejection = "not_found" if isinstance(error, NotFound) else "bad_method"
        # Whatever looks for pages on this listener is not noted: it is no callback.
        envelope = None if reason == "not_found" and request.method != "POST" else NOTHING
        response = _response(receiver.refuse(Refusal(reason), request.remote_addr, envelope))
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(error.valid_methods or ())
        return response

    return app


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
