"""Connections to the world outside: only to public addresses, and none outlasts its deadline.

An address is looked up and checked for each connection, and the connection goes to the address that was checked, so
that no name can lead into the operator's own network, neither by what it resolves to nor by resolving to something else
the second time.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import httpcore

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

CONNECT_SECONDS: Final = 5.0

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC: Final = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/32", "3fff::/20")))
"""Protocol assignments, relays, Teredo and documentation, which Python 3.11 takes for global or which embed others."""

_Option: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Refused(Exception):
    """A name resolves to an address that must not be called."""


def is_allowed(address: Address, *, private: bool = False) -> bool:
    """Whether this address may be called. `private` allows one's own networks, but never link-local or multicast.

    IPv6 addresses that lead to an IPv4 address (mapped, NAT64, 6to4) are judged by that one.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_allowed(inner, private=private)
    if address.is_multicast or address.is_link_local or address.is_unspecified:
        return False
    if private:
        return True
    return (
        address.is_global
        and (address.version == 4 or address in _GLOBAL_UNICAST)
        and not any(address in network for network in _NOT_PUBLIC)
    )


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host; OSError if there are none. Odd spellings such as "0x7f.1" resolve like any name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard(httpcore.NetworkBackend):
    """Opens connections: only to checked addresses, and none of their waits outlasts the deadline."""

    def __init__(
        self,
        resolve: Callable[[str, int], Sequence[str]],
        network: httpcore.NetworkBackend,
        *,
        private: bool,
        seconds: float,
    ) -> None:
        self._resolve = resolve
        self._network = network
        self._private = private
        self._deadline = time.monotonic() + seconds

    def connect_tcp(  # noqa: D102 — see httpcore.NetworkBackend
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_Option] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host, port)
        if not all(is_allowed(ipaddress.ip_address(address), private=self._private) for address in addresses):
            raise Refused
        failed: Exception = socket.gaierror()
        for address in addresses:
            try:
                timeout = _left(self._deadline, CONNECT_SECONDS)
                stream = self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Hurried(stream, self._deadline)
        raise failed


class _Hurried(httpcore.NetworkStream):
    """A connection that ends at a deadline, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _left(self._deadline, timeout)
        return _Hurried(self._stream.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def close(self) -> None:
        self._stream.close()


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)
