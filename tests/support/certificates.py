"""A certificate authority that a test makes and trusts, and servers whose certificates are wrong in one way each."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import certifi
import pytest

_SETTINGS = """
[ca]
default_ca = here
[here]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
_FIRST, _LAST = "20200101000000Z", "20480101000000Z"


class Authority:
    """Issues certificates into one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "settings").write_text(_SETTINGS)
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        constraints = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
        self._openssl("req", "-x509", *_KEY, "-subj", "/CN=test", "-keyout", "ca.key", "-out", "ca.pem", *constraints)

    def trust(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have every client of this test trust it, httpx's and websockets'."""
        path = str(self._folder / "ca.pem")
        monkeypatch.setattr(certifi, "where", lambda: path)
        monkeypatch.setenv("SSL_CERT_FILE", path)

    def server(
        self, *, name: str = "IP:127.0.0.1", first: str = _FIRST, last: str = _LAST, digest: str = "sha256"
    ) -> ssl.SSLContext:
        """A server's TLS with a certificate of that name, valid from the ``first`` to the ``last`` instant."""
        names = ["-addext", f"subjectAltName={name}"]
        self._openssl("req", *_KEY, "-subj", "/CN=server", *names, "-keyout", "server.key", "-out", "server.csr")
        signed = ["-cert", "ca.pem", "-keyfile", "ca.key", "-in", "server.csr", "-out", "server.pem"]
        validity = ["-startdate", first, "-enddate", last, "-md", digest]
        self._openssl("ca", "-batch", "-notext", *signed, *validity)
        return self._context("server.pem")

    def self_signed(self) -> ssl.SSLContext:
        """A server's TLS with a certificate that vouches for itself."""
        names = ["-addext", "subjectAltName=IP:127.0.0.1"]
        certificate = ["-keyout", "server.key", "-out", "server.pem"]
        self._openssl("req", "-x509", *_KEY, "-subj", "/CN=server", *names, *certificate)
        return self._context("server.pem")

    def _context(self, certificate: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")  # a careless server's, which holds weak certificates
        context.load_cert_chain(self._folder / certificate, self._folder / "server.key")
        return context

    def _openssl(self, command: str, *arguments: str) -> None:
        line = ["openssl", command, "-config", "settings", *arguments]
        subprocess.run(line, cwd=self._folder, check=True, capture_output=True)


def authority_in(folder: Path) -> Authority:
    """A new authority; the test skips where there is no openssl to make one."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    return Authority(folder)


def old_tls(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same, speaking TLS 1.0 alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


class SecureServer:
    """Answers whatever is asked with an empty JSON object."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[bytes] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if (head := await reader.readuntil(b"\n")).startswith(b"GET "):
                self.heads.append(head)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
            else:
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving_securely(context: ssl.SSLContext | None) -> AsyncIterator[SecureServer]:
    """A server with that TLS, or one that speaks plain text."""
    server = SecureServer()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # handshakes that fail are what is tested
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=context)
    server.port = int(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
        asyncio.get_running_loop().set_exception_handler(None)
