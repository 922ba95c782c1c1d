"""A real HTTP server that is called back, or asked."""

import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers as the path asks it to: `/204`, `/302`, `/slow/…`, `/huge/…` and so on.

    `instead` is a path whose answer is given whatever is asked for.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.calls: list[Call] = []
        self.sent = 0
        self.body = b'{"said":"\xc3\xbc"}'
        self.instead: str | None = None
        self.stopping = threading.Event()
        receiver = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                receiver.answer(self)

            def do_POST(self) -> None:
                receiver.answer(self)

            def do_PURGE(self) -> None:
                receiver.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that hangs up, as it may."""

        self._server = Quiet(("127.0.0.1", 0), Answering)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.calls.append(Call(handler.path, dict(handler.headers.items()), body))
        match (self.instead or handler.path).strip("/").partition("/")[0]:
            case "slow":
                self.stopping.wait(60)
            case "drip":
                self._drip(handler)
            case "huge":
                self._huge(handler)
            case "breaks":
                handler.close_connection = True
            case "garbage":
                handler.wfile.write(b"\0\1\2 garbage\r\n\r\n")
                handler.close_connection = True
            case "binary":
                self._whole(handler, 200, bytes(range(256)) * 200)
            case "302":
                handler.send_response(302)
                handler.send_header("Location", f"http://127.0.0.1:{self.port}/200?token=secret")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
            case status:
                self._whole(handler, int(status), self.body)

    def _whole(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _huge(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 34))
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65_536)
            self.sent += 65_536

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not self.stopping.is_set():
            handler.wfile.write(b"x")
            time.sleep(0.05)
