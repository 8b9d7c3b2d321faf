"""Bytes on a socket, for what no HTTP client would send."""

import socket

from werkzeug.datastructures import Headers

from support.daemon import Answer


def send(port: int, *parts: bytes) -> bytes:
    """Send bytes and return what is answered, up to the end of the first answer.

    What a reset leaves unread is lost.
    """
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            return received(connection)
        except (ConnectionError, TimeoutError):
            return b""


def received(connection: socket.socket) -> bytes:
    """Return the first answer on a connection."""
    found = b""
    while not _whole(found):
        chunk = connection.recv(65536)
        if not chunk:
            break
        found += chunk
    return found


def _whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    lengths = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return bool(lengths) and len(body) >= lengths[0]


def post(path: str, body: bytes, *headers: str) -> bytes:
    """Return the bytes of a POST with its length."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(path: str, *chunks: bytes) -> bytes:
    """Return the bytes of a POST in chunks."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    sized = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head + sized + b"0\r\n\r\n"


def answer(received: bytes) -> Answer:
    """Return the one answer of what was received."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return Answer(int(status.split()[1]), body, Headers(headers))
