"""The HTTP client for Shopify's own servers, of which a process needs one."""

from __future__ import annotations

import httpx

CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0


class Redirected(httpx.BaseTransport):
    """Sends every request to one server instead, which sees the shop in the Host header. For tests and development."""

    def __init__(self, url: str, inner: httpx.BaseTransport | None = None) -> None:
        self._to = httpx.URL(url)
        self._inner = inner or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        base = self._to.raw_path.rstrip(b"/")
        url = request.url.copy_with(
            scheme=self._to.scheme, host=self._to.host, port=self._to.port, raw_path=base + request.url.raw_path
        )
        # The headers were made for the address that was asked for, so Host names the shop.
        return self._inner.handle_request(
            httpx.Request(
                request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
            )
        )

    def close(self) -> None:
        self._inner.close()


def open_client(admin_url: str | None = None) -> httpx.Client:
    """A client that keeps its connections and may be shared by threads. Opens none yet."""
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    if admin_url:
        return httpx.Client(timeout=timeout, transport=Redirected(admin_url))
    return httpx.Client(timeout=timeout)
