"""What went wrong on the way to a venue, said in one plain sentence."""

import socket
import ssl
from enum import StrEnum

from gextui.market.text import clean_text


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
    """A request or connection that came to nothing. The message is one plain sentence, cleaned."""

    def __init__(self, failure: Failure, message: str, *, status: int | None = None) -> None:
        super().__init__(clean_text(message))
        self.failure = failure
        self.status = status


def not_connected(error: BaseException, host: str) -> FetchError:
    """Why a connection to ``host`` could not be made, from the exception and what caused it."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return FetchError(Failure.DNS, f"cannot resolve host {host}; check the network")
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message or "the certificate"
            clock = "; check the system clock" if "not yet valid" in reason or "expired" in reason else ""
            return FetchError(Failure.TLS, f"TLS to {host} refused: {reason}{clock}")
        if isinstance(cause, ssl.SSLError):
            return FetchError(Failure.TLS, f"TLS to {host} failed: {cause.reason or 'handshake'}")
        if isinstance(cause, ConnectionRefusedError):
            return FetchError(Failure.REFUSED, f"{host} refuses the connection")
    return FetchError(Failure.BROKEN, f"cannot connect to {host}: {error or type(error).__name__}")


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
