"""One page served to this machine alone."""

from __future__ import annotations

import contextlib
import http.server
import webbrowser
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from graphlens.errors import UsageError

HOST = "127.0.0.1"


def serve(
    path: Path,
    port: int,
    say: Callable[[str], None],
    browse: Callable[[str], object] = webbrowser.open,
) -> None:
    """Serve a page until it is interrupted, and open the browser if there is one.

    Args:
        path: The page.
        port: 0 for any that is free.
        say: Told where it is served.
        browse: Opens an address.

    Raises:
        UsageError: If the port cannot be had.
    """
    with server(path.read_bytes(), port) as listening:
        address = f"http://{HOST}:{listening.server_address[1]}/"
        say(f"serving {address} until Ctrl-C")
        found: object = False
        with contextlib.suppress(webbrowser.Error):
            found = browse(address)
        if found is False:
            say("no browser was found here: open the address in one")
        with contextlib.suppress(KeyboardInterrupt):
            listening.serve_forever()
        say("stopped")


def server(content: bytes, port: int) -> http.server.ThreadingHTTPServer:
    """A server of one page, which answers to this machine only.

    Raises:
        UsageError: If the port cannot be had.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # The name in the request must be ours: a stranger's page may have had its name
            # resolved to this machine (DNS rebinding).
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if host not in (HOST, "localhost") or self.path.partition("?")[0] != "/":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the page is asked for by the one who sits here."""

    try:
        return http.server.ThreadingHTTPServer((HOST, port), Handler)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot serve at {HOST}:{port}: {error}; leave the port out for any that is free"
        ) from error
