"""Small things people say in a conversation: yes, no, leave it, skip it, the second one, and what about others. Pure.

Only whole messages count: 「好」 is a yes, 「好像不行」 is not. Whatever needs the knowledge base is not here. Most is
told by lists of words: a message says a thing when it is made of words for it and of others that change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from bot import phrase
from bot.model import Option
from faq.text import strip_list_mark
from index.variant import canonical

LONGEST: Final = 40
"""Characters; a longer message is never one of these. It also bounds what looking at one can cost."""
MOST_CHANGED: Final = 600
"""Characters that a change is looked for in."""


@lru_cache(maxsize=256)  # each message is looked at from many sides
def plain(text: str) -> str:
    """A short message without what surrounds it: half width, lower case, trimmed; "" for a long one."""
    said = canonical(text[: 4 * LONGEST]).strip(" 。.!~")
    return said if len(said) <= LONGEST and len(text) <= 4 * LONGEST else ""


def is_yes(text: str) -> bool:
    """Whether the message agrees; 「好了」 and 「可以了」 do not: something is well now."""
    return _made_of(text, phrase.YES | phrase.DEEDS, phrase.YES_BESIDE)


def is_deed(text: str) -> bool:
    """Whether the message agrees by asking for the deed (「还是帮我登记一下吧」)."""
    return _made_of(text, phrase.DEEDS, phrase.YES_BESIDE | phrase.YES)


def is_no(text: str) -> bool:
    """Whether the message declines; 「不行」 does not: something does not work."""
    return plain(text) == "不" or _made_of(text, phrase.NO, phrase.NO_BESIDE)


def is_cancel(text: str) -> bool:
    """Whether the message leaves what was begun."""
    return _made_of(text, phrase.CANCEL, phrase.CANCEL_BESIDE)


def is_skip(text: str) -> bool:
    """Whether the message has nothing to give."""
    return _made_of(text, phrase.SKIP, phrase.SKIP_BESIDE)


def calls_person(text: str) -> bool:
    """Whether the message calls for a person in so many words, whatever else it says."""
    return phrase.CALL.search(canonical(text)) is not None


def is_ignorant(text: str) -> bool:
    """Whether the message says that one does not know, and asks for no help (「不知道填错的是什么」)."""
    return phrase.IGNORANT.fullmatch(plain(text)) is not None


def is_back(text: str) -> bool:
    """Whether the message goes back one question."""
    return _made_of(text, phrase.BACK, phrase.BACK_BESIDE)


def is_asking(text: str) -> bool:
    """Whether the message asks something, rather than gives something."""
    return phrase.ASKING.search(canonical(text)) is not None


def is_thanks(text: str) -> bool:
    """Whether the message is thanks, or says that all is clear or well (「知道了」「能登录了」), and nothing else."""
    return _made_of(text, phrase.THANKING | phrase.UNDERSTOOD | phrase.SETTLED, phrase.THANKS_BESIDE)


def is_farewell(text: str) -> bool:
    """Whether the message takes leave."""
    return _made_of(text, phrase.FAREWELL, phrase.FAREWELL_BESIDE)


def is_status(text: str) -> bool:
    """Whether the message asks how far its request is; means something only while one is open."""
    return phrase.STATUS.fullmatch(plain(text)) is not None


def is_waiting(text: str) -> bool:
    """Whether the message asks for patience, or promises some."""
    return _made_of(text, phrase.WAIT, phrase.WAIT_BESIDE)


def is_none(text: str) -> bool:
    """Whether the message finds nothing right among what was offered."""
    return _made_of(text, phrase.NONE, phrase.NONE_BESIDE)


def is_withdrawal(text: str) -> bool:
    """Whether the message takes a request back."""
    return _made_of(text, phrase.WITHDRAW, phrase.WITHDRAW_BESIDE)


def is_solved(text: str) -> bool:
    """Whether the message says that nothing needs to be done any more."""
    return _made_of(text, phrase.SOLVED | phrase.SETTLED, phrase.SOLVED_BESIDE)


def stars_in(text: str) -> int | None:
    """The rating that a message gives in words, 1 to 5; None for any other message."""
    given = {stars for word, stars in phrase.STARS.items() if _made_of(text, frozenset({word}), phrase.STARS_BESIDE)}
    return given.pop() if len(given) == 1 else None


def number_in(text: str) -> int | None:
    """The number that a message consists of (「2」「第二个」「选②」), 1 to 9; None for any other message."""
    found = phrase.NUMBER.fullmatch(plain(text))
    if found is None:
        return None
    said = found[1] or found[2]
    return phrase.ORDER.index(said) + 1 if said in phrase.ORDER else int(said)


def picked(text: str, options: Sequence[Option]) -> Option | None:
    """The option whose number, id or label the message is; perhaps with its number before it (「2. 忘记密码」)."""
    number = number_in(text)
    if number is not None:
        return options[number - 1] if number <= len(options) else None
    said = {_letters(text), _letters(strip_list_mark(text))} - {""}
    same = [
        option
        for option in options
        if said & {_letters(option.label), _letters(_unled(option.label)), _letters(option.entry_id)}
    ]
    return same[0] if len(same) == 1 else None


def change_of(text: str) -> tuple[str, str | None] | None:
    """What the message wants changed, and the new value if it gives one (「修改手机号：138…」)."""
    found = phrase.CHANGE.fullmatch(text[:MOST_CHANGED].strip(" \t\r\n。.!！~～"))
    if found is None:
        return None
    what = found["what"] or found["wrong"] or found["old"]
    value = found["value"] or found["right"] or found["new"]
    return what.strip(" ,，"), value and value.strip()


def about_whom(text: str) -> str | None:
    """Whom a message asks about that leaves the question out (「那管理机构呢」 → 管理机构); None for a long one."""
    found = phrase.ABOUT.fullmatch(plain(text))
    return found["who"] if found else None


def _made_of(text: str, needed: frozenset[str], beside: frozenset[str]) -> bool:
    """Whether a short message is a row of these words, with a needed one among them."""
    said = plain(text)
    reached = {0: False}  # the ends of rows so far, and whether a needed word is among theirs
    for start in range(len(said)):
        if start in reached:
            for end in range(start + 1, len(said) + 1):
                word, edge = said[start:end], said[end - 1 : end + 1]
                if len(edge) == 2 and edge.isascii() and edge.isalnum():  # 888 is not 88 and 8
                    continue
                if word in needed:
                    reached[end] = True
                elif word in beside:
                    reached[end] = reached.get(end, False) or reached[start]
    return reached.get(len(said), False)


def _unled(label: str) -> str:
    """A label without the 【system · audience】 before it."""
    return re.sub(r"^【[^】]*】", "", label)


def _letters(text: str) -> str:
    return "".join(char for char in canonical(text) if char.isalnum())
