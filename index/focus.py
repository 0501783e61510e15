"""The part of a long message that the question may be in: without the sentences that say nothing of the documents.

A sentence bears on the question when it asks, or holds one of the knowledge base's own words (see `spelling.Lexicon`).
The others dilute every measure of nearness: their words weigh as unknown, and their meaning pulls the vector away. But
now and then one of them is the question (「列表里没有我们市！叫企业怎么报！」), so search also looks at the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from index.spelling import Lexicon

_SENTENCE = re.compile(r"(?:(?!\.{3})[^。!?\n])+(?:[。!?\s]|\.{3,})*")
_ASKS = re.compile(r"[?吗呢]|怎|什么|如何|为何|哪|几|多少|多久|多长|能否|能不|可否|可不|是否|是不是|有没有|谁|要不要")


def focused(text: str, words: Lexicon, cut: Callable[[str], Iterable[str]]) -> str:
    """A canonical text without its sentences of background; itself where that would leave nothing."""
    sentences = _SENTENCE.findall(text)
    if len(sentences) < 2:
        return text
    kept = [
        sentence for sentence in sentences if _ASKS.search(sentence) or any(words.get(word) for word in cut(sentence))
    ]
    return "".join(kept).strip() or text
