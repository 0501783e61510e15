"""The sites whose pages may embed the widget, as an operator names them in WIDGET_ORIGINS. Pure.

An origin is what browsers send in `Origin`: scheme, host and, where it is not the scheme's own, port; in lower case,
other alphabets in Punycode. Whatever is named is brought into that form, for it is compared letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

_OWN_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_FORM: Final = "请写成 https://zyb.example.gov.cn 的形式，可在后面加“=系统标识”"

Origins = Mapping[str, str | None]
"""The system that each origin is bound to, None for a site that may be about any."""


class OriginError(ValueError):
    """WIDGET_ORIGINS cannot be used; the operator reads the Chinese message, which names the part."""


def read_origins(text: str) -> Origins:
    """The origins in a text, separated by spaces or commas, each alone or as ORIGIN=SYSTEM; OriginError otherwise."""
    origins: dict[str, str | None] = {}
    for part in filter(None, re.split(r"[\s,，]+", text)):
        written, bound, system = part.partition("=")
        origin = _read(written, part)
        if bound and not system:
            raise OriginError(f"「{part}」的等号后面没有系统标识。")
        if origins.setdefault(origin, system or None) != (system or None):
            raise OriginError(f"「{origin}」写了两次，而对应的系统不同，请只保留一处。")
    return origins


def check_systems(origins: Origins, systems: Collection[str]) -> None:
    """OriginError where an origin is bound to a system that is not there."""
    for origin, system in origins.items():
        if system is not None and system not in systems:
            known = "、".join(sorted(systems))
            raise OriginError(f"WIDGET_ORIGINS 中「{origin}」对应的系统 {system} 不存在，现有系统：{known}。")


def serialize(scheme: str, authority: str) -> str:
    """The origin of a page that was asked for under this scheme and `Host`."""
    authority = authority.lower()
    return f"{scheme}://{authority.removesuffix(f':{_OWN_PORTS.get(scheme)}')}"


def _read(written: str, part: str) -> str:
    if "*" in written:
        raise OriginError(f"「{part}」：不能使用通配符 *，否则任何网站都能冒用本咨询窗口，请逐个列出网站。")
    try:
        split = urlsplit(written)
        host, _ = split.hostname, split.port
    except ValueError:
        raise OriginError(f"「{part}」不是网站地址，{_FORM}。") from None
    if split.scheme not in _OWN_PORTS or not host:
        raise OriginError(f"「{part}」不是以 http:// 或 https:// 开头的网站地址，{_FORM}。")
    if split.path or split.query or split.fragment or "@" in split.netloc or written.endswith(("?", "#", ":")):
        raise OriginError(f"「{part}」只能写到域名和端口，后面不要有 / 或路径，{_FORM}。")
    return serialize(split.scheme, _authority(split, host, part))


def _authority(split: SplitResult, host: str, part: str) -> str:
    try:
        name = f"[{host}]" if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):
        raise OriginError(f"「{part}」的域名无法识别，{_FORM}。")
    return name if split.port is None else f"{name}:{split.port}"
