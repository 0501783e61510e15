"""Addresses of the web in a text, made so that a platform that takes only known ones lets the text pass. Pure.

The official platform refuses a whole message for one address that it was not told of, and matches loosely: `1.sh` is
one to it. Such an address is taken apart where everybody can see it, and a line at the end says how to put it together:
`https://whjy.mem.gov.cn/a` becomes `https:// whjy。mem。gov。cn/a`, whose host browsers understand even as it stands.
What the platform lets pass stays as it is: e-mail addresses, versions, names of files with endings of files.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_COUNTRIES: Final = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz ca cc"
    " cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb"
    " gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke"
    " kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu"
    " mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw"
    " sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz"
    " ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
_KINDS: Final = (
    "com net org gov edu mil int info biz name pro mobi asia tel top xyz vip site shop store club online tech wang ltd"
    " group cloud link live work fun art icu ink ren red pub wiki press space website host app dev page blog news video"
    " chat team center city company email design social studio games run life world today zone one win bid plus fit"
    " fund gold law love market money network party pet photos promo sale school show software support systems tools"
    " trade university beer auto bar cash cafe care college digital global guru media services solutions technology"
)
_ENDINGS: Final = frozenset(f"{_COUNTRIES} {_KINDS}".split())
"""Endings of hosts, but for zip and mov, which are endings of files more often."""

_SCHEME: Final = r"(?:https?|ftp)://"
_WIDE: Final = r"(?u:[^\W\x00-\x7f])"
"""A letter of another script, as in 例子.中国 and www.例子.cn. A host without one ends before it: 「https://a.cn请看」."""
_ADDRESS: Final = re.compile(
    rf"""
    (?<![\w.%+-])[\w.%+-]++@[\w-]++(?:\.[\w-]++)++
    | (?P<scheme>{_SCHEME})
      (?=[\w\[]|{_WIDE}++\.(?u:\w))(?:[\w.~%!$&*+=:-]*+@)*+
      (?P<named>(?:[\w-]*+{_WIDE}++(?=\.(?u:\w))|[\w-]*+)(?:\.{_WIDE}++)*+(?:\.[\w-]*+)*+)
      (?::\d++)?
    | (?P<bare>[^\W_](?:(?!{_SCHEME})[\w.-])*+)(?P<port>:\d{{1,5}}(?!\d))?
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
"""An e-mail address, which has no group; an address with a scheme; what may be one without."""
_REST: Final = re.compile(rf"[/?#](?:(?!{_SCHEME})[!#-;=?-Z_a-z~])*+", re.ASCII | re.IGNORECASE)
"""Path, query and fragment. Another address within begins anew."""
_DOTTED: Final = "“。”请改为“.”"
_SPACED: Final = "“//”后的空格请去掉"
_EXPLAINED: Final = re.compile(
    rf"\n（网址中的(?P<dotted>{re.escape(_DOTTED)})?，?(?P<spaced>{re.escape(_SPACED)})?，然后在浏览器中打开。）\Z"
)
"""How a text ends in which addresses were taken apart."""
_BYTE: Final = re.compile(r"1?\d?\d|2[0-4]\d|25[0-5]", re.ASCII)


def rewrite(text: str, filed: Collection[str]) -> str:
    """The text with every address taken apart whose host is neither one of the `filed` ones nor below one."""
    known = tuple(host.lower() for host in filed)
    parts: list[str] = []
    done = at = 0
    before = _EXPLAINED.search(text)  # where it was rewritten before, for fewer of its addresses
    dotted, spaced = (bool(before and before[name]) for name in ("dotted", "spaced"))
    while match := _ADDRESS.search(text, at):
        at = match.end()
        if not _is_address(match, followed=text[at : at + 1]):
            continue
        host = (match["named"] or match["bare"] or "").strip("._-").lower()
        if any(host == name or host.endswith(f".{name}") for name in known):
            rest = _REST.match(text, at)
            at = rest.end() if rest else at
            continue
        scheme = match["scheme"] or ""
        place = match[0].removeprefix(scheme)
        name = place.rstrip("._-")
        end = place[len(name) :] or (" " if text.startswith("。", at) else "")  # what ends the sentence is no dot
        parts += [text[done : match.start()], scheme and f"{scheme} ", name.replace(".", "。"), end]
        dotted, spaced, done = dotted or "." in name, spaced or bool(scheme), at
    how = [_DOTTED] * dotted + [_SPACED] * spaced
    explained = f"\n（网址中的{'，'.join(how)}，然后在浏览器中打开。）"
    ending = text[done : before.start()] if before else text[done:]
    return "".join([*parts, ending, explained]) if parts else text


def _is_address(match: re.Match[str], followed: str) -> bool:
    """Whether what was found is an address: with a scheme always, without one if it looks like a host."""
    if match["bare"] is None:
        return match["scheme"] is not None
    *labels, ending = match["bare"].rstrip("._-").split(".")
    if len(labels) == 3 and all(_BYTE.fullmatch(label) for label in (*labels, ending)):
        return match["port"] is not None or followed == "/"
    if not labels or not all(labels):
        return False
    if labels[0].lower() == "www" and len(labels) > 1:
        return ending.isalpha() and len(ending) > 1
    if ending in _ENDINGS:
        return True
    # In capitals 「1.IE」 is the first item of a list, and 「finished.In」 two sentences.
    return len(labels) > 1 and ending.lower() in _ENDINGS and not all(map(str.isdecimal, labels))
