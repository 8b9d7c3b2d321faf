"""What is wrong with a certificate and its key, known before anybody connects."""

import ssl
from pathlib import Path
from typing import NamedTuple


class TlsError(Exception):
    """Certificate and key cannot serve; the text says why."""


class Certificate(NamedTuple):
    """A certificate that can serve: until when (Unix seconds), or why clients will refuse it."""

    valid_until: float | None
    objection: str | None = None


def check(certfile: Path, keyfile: Path) -> Certificate:
    """Look at a certificate and its key.  Raises ``TlsError`` if they cannot serve.

    A client that trusts the certificate and a server shake hands, in memory: so whatever clients
    would object to, such as its age, is found.
    """
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname = False
    client_side.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        client_side.load_verify_locations(certfile)
    except ssl.SSLError:
        raise TlsError(f"{certfile} holds no certificate in PEM format") from None
    try:
        # The password is empty, so that nobody is asked for one.
        server_side.load_cert_chain(certfile, keyfile, password="")
    except ssl.SSLError as error:
        if error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
            raise TlsError(f"{keyfile} is not the key of {certfile}") from None
        if error.reason is None:
            raise TlsError(f"{keyfile} holds no unencrypted key in PEM format") from None
        raise TlsError(f"{certfile} cannot be used: {error.reason}") from None
    try:
        return Certificate(_valid_until(client_side, server_side))
    except ssl.SSLCertVerificationError as error:
        return Certificate(None, error.verify_message)
    except ssl.SSLError as error:
        return Certificate(None, error.reason)


def _valid_until(client_side: ssl.SSLContext, server_side: ssl.SSLContext) -> float:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server, client):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    certificate = client.getpeercert()
    assert certificate  # of a handshake with verification  # noqa: S101
    return float(ssl.cert_time_to_seconds(str(certificate["notAfter"])))
