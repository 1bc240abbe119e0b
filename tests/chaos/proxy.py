"""An HTTP proxy that mistreats a server's calls: late, refused, or cut in the middle."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["FAULTS", "Proxy", "proxying"]

FAULTS = ("late", "refused", "half_asked", "half_answered", "unanswered")


class Proxy:
    """Passes calls to a server on this machine, each with a fault of this chance, or with none.

    late: `delay_s` before it is passed on. refused: 500, and the server never hears of it.
    half_asked: the connection ends in the middle of the request's body. half_answered: the server
    has done it, and the connection ends in the middle of the answer. unanswered: before it.

    `asked` counts the calls by verb and path. `answer` (status and body) is given to every call in
    the server's place. `without` names headers of a call that are not passed on; `headers` replace
    those of an answer.
    """

    def __init__(self, upstream: int, seed: int = 0) -> None:
        self.upstream, self.delay_s = upstream, 1.0
        self.chances: Mapping[str, float] = {}
        self.done: Counter[str] = Counter()
        self.asked: Counter[tuple[str, str]] = Counter()
        self.answer: tuple[int, bytes] | None = None
        self.without: frozenset[str] = frozenset()
        self.headers: Mapping[str, str] = {}
        self._random, self._lock = random.Random(seed), threading.Lock()

    def fault(self, verb: str, path: str) -> str:
        """What happens to this call; ``passed`` where nothing does."""
        with self._lock:
            self.asked[verb, path] += 1
            drawn, found = self._random.random(), "passed"
            for name, chance in self.chances.items():
                if 0 <= drawn < chance:
                    found = name
                    break
                drawn -= chance
            self.done[found] += 1
        return found

    @property
    def calls(self) -> int:
        """How many calls there were so far."""
        return self.done.total()

    @property
    def faults(self) -> int:
        """How many calls were mistreated so far."""
        return sum(self.done[name] for name in FAULTS)


@contextmanager
def proxying(proxy: Proxy) -> Iterator[str]:
    """The proxy at an address of its own, until the end of the block."""

    def any_call(call: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            _pass(call, proxy)
        call.close_connection = True

    class Call(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Nothing on the screen."""

    for verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Call, f"do_{verb}", any_call)
    with ThreadingHTTPServer(("127.0.0.1", 0), Call) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _pass(call: BaseHTTPRequestHandler, proxy: Proxy) -> None:
    body = call.rfile.read(int(call.headers.get("Content-Length") or 0))
    fault = proxy.fault(call.command, call.path.partition("?")[0])
    if proxy.answer:
        _answer(call, proxy.answer[0], {}, proxy.answer[1])
        return
    if fault == "refused":
        call.send_error(500)
        return
    if fault == "late":
        time.sleep(proxy.delay_s)
    if fault == "half_asked":
        _forward(call, proxy, body, len(body) // 2)
        return
    status, headers, content = _forward(call, proxy, body, len(body))
    if fault == "unanswered":
        return
    half = content[: len(content) // 2] if fault == "half_answered" else content
    changed = {name.lower() for name in proxy.headers}
    own = {name: value for name, value in headers.items() if name.lower() not in changed}
    _answer(call, status, {**own, **proxy.headers}, half, len(content))


def _answer(
    call: BaseHTTPRequestHandler,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    length: int | None = None,
) -> None:
    """Answer a call; the length of a HEAD's content is what the server says."""
    head = call.command == "HEAD"
    call.send_response_only(status)
    for name, value in headers.items():
        known = name.lower() in ("transfer-encoding", "connection")
        if not known and (head or name.lower() != "content-length"):
            call.send_header(name, value)
    if not head:
        call.send_header("Content-Length", str(len(content) if length is None else length))
    call.send_header("Connection", "close")
    call.end_headers()
    if not head:
        call.wfile.write(content)


def _forward(
    call: BaseHTTPRequestHandler, proxy: Proxy, body: bytes, length: int
) -> tuple[int, Mapping[str, str], bytes]:
    """What the server answers; with less than the whole body it is left waiting, and answers
    nothing."""
    port = proxy.upstream
    server = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        server.putrequest(call.command, call.path, skip_host=True, skip_accept_encoding=True)
        for name, value in call.headers.items():
            if name.lower() not in ("connection", "host", "content-length", *proxy.without):
                server.putheader(name, value)
        server.putheader("Host", f"127.0.0.1:{port}")
        server.putheader("Content-Length", str(len(body)))
        server.endheaders(body[:length])
        if length < len(body):
            return 0, {}, b""
        answer = server.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        server.close()
