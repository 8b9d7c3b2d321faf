"""Failures in asking Tencent Cloud's API: a sentence each.

Pure.
"""

from exporter.protocol.api_errors import advice_for, is_gone


class TencentError(Exception):
    """Tencent Cloud's API cannot be asked, or its answer used; the text is a sentence."""


class ApiError(TencentError):
    """A call that failed.

    ``code`` is the API's or the SDK's, ``message`` must be free of secrets.  ``is_gone`` of a
    delete: there was nothing to delete.
    """

    def __init__(self, action: str, code: str, message: str, request_id: str = "") -> None:
        self.action = action
        self.code = code
        advice = advice_for(code)
        self.again = advice.again
        self.is_gone = is_gone(code)
        details = ", ".join(filter(None, (message, request_id and f"request id {request_id}")))
        sentence = advice.sentence.format(action=action)
        super().__init__(f"{action} failed. {sentence} ({code}{details and ': '}{details})")
