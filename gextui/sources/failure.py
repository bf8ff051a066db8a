"""What went wrong on the way to a venue, said in one plain sentence."""

import socket
import ssl
from datetime import UTC, datetime
from enum import StrEnum

from gextui.market.text import clean_text
from gextui.secrets import redact

TLS_SECONDS = 60.0
"""Nobody is asked again sooner after TLS was refused: certificates do not change within seconds."""

_NOT_YET_VALID, _EXPIRED = 9, 10
_CERTIFICATE = {
    _NOT_YET_VALID: "its certificate is not yet valid",
    _EXPIRED: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "nobody whom this machine trusts vouches for its certificate",
    20: "nobody whom this machine trusts vouches for its certificate",
    21: "nobody whom this machine trusts vouches for its certificate",
    62: "its certificate is for another host",
    64: "its certificate is for another host",
}
"""What OpenSSL's verification codes (X509_V_ERR) mean."""
_PLAIN_PORT = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_OLD_TLS = frozenset({"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"})


class Failure(StrEnum):
    """What went wrong, in the order a request goes through it."""

    DNS = "cannot resolve the host"
    REFUSED = "connection refused"
    TLS = "TLS"
    TIMEOUT = "timeout"
    BROKEN = "connection broken"
    LIMITED = "limited by the venue"
    BLOCKED = "blocked by the venue"
    STATUS = "status"
    REDIRECT = "redirect refused"
    TOO_LARGE = "body too large"
    CONTENT = "unexpected content"


class FetchError(Exception):
    """A request or connection that came to nothing. The message is one plain sentence, cleaned and without secrets."""

    def __init__(self, failure: Failure, message: str, *, status: int | None = None) -> None:
        super().__init__(clean_text(redact(message)))
        self.failure = failure
        self.status = status


def not_connected(error: BaseException, host: str) -> FetchError:
    """Why a connection to ``host`` could not be made, from the exception and what caused it."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return FetchError(Failure.DNS, f"cannot resolve host {host}; check the network")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError(Failure.TLS, f"TLS to {host} refused: {_untrusted(cause)}")
        if isinstance(cause, ssl.SSLError):
            return FetchError(Failure.TLS, f"TLS to {host} failed: {_unspoken(cause)}")
        if isinstance(cause, ConnectionRefusedError):
            return FetchError(Failure.REFUSED, f"{host} refuses the connection")
    if not str(error):
        return FetchError(Failure.BROKEN, f"{host} hung up while the connection was being made")
    return FetchError(Failure.BROKEN, f"cannot connect to {host}: {error}")


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with a certificate."""
    words = _CERTIFICATE.get(error.verify_code, error.verify_message or "its certificate is not valid")
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        # The clock that certificates are checked by is the machine's own.
        words += f"; check the system clock, which says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return words


def _unspoken(error: ssl.SSLError) -> str:
    """Why TLS could not be spoken."""
    if error.reason in _PLAIN_PORT:
        return "that port does not speak TLS; check its address in config.toml"
    if error.reason in _OLD_TLS:
        return "it speaks only versions of TLS that are no longer safe"
    if error.reason == "UNEXPECTED_EOF_WHILE_READING":
        return "it hung up during the handshake"
    return (error.reason or "handshake").replace("_", " ").lower()


def too_large(host: str, largest: int) -> FetchError:
    """A body of more than so many bytes."""
    return FetchError(Failure.TOO_LARGE, f"{host} sent more than {largest // 2**20} MB; body dropped")


def _causes(error: BaseException) -> list[BaseException]:
    """The exception, whatever caused it, and the members of exception groups on the way."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or cause in found:
            continue
        found.append(cause)
        waiting += [cause.__context__, cause.__cause__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
    return found
