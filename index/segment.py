"""Text into words: jieba behind one function, with the words of the knowledge base in its dictionary.

The dictionary is kept where the caller says and never, as jieba would have it, in the temporary folder: whoever can
write there would decide how words are cut.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable
from pathlib import Path

import jieba

from faq.knowledge import KnowledgeBase
from index.dictionary import open_dictionary
from index.variant import canonical

_WORD = re.compile(r"[^\W_]")
_TERM = re.compile(r"[【“\"「]([^】”\"」]{2,12})[】”\"」]")
_CJK_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]+|[a-z0-9]+")

# Words that say nothing about which question is asked. Question words (怎么, 如何, 哪里) are among them; negations
# (不, 没有, 无法) are not, for they turn a question around.
_STOP_WORDS = """
的 了 呢 吗 啊 吧 呀 嘛 哦 哈 么 着 过 地 得 是 在 有 和 与 及 或 或者 还 还是 也 都
就 才 又 再 很 太 最 更 只 把 被 给 对 从 到 向 让 我 你 您 他 她 它 我们 你们 他们
咱们 自己 大家 这 那 这个 那个 这些 那些 这里 那里 这样 那样 这边 那边 此 该 某 各 每 怎么
怎么办 怎样 如何 咋 咋办 咋整 什么 啥 哪 哪里 哪儿 哪个 哪些 谁 几 多少 为什么 为啥 是否 能否
可否 是不是 能不能 可不可以 有没有 怎么回事 请 请问 麻烦 谢谢 您好 你好 老师 一下 一个 一直 一点
可以 能 会 要 想 需要 应该 应 要求 知道 现在 今天 刚刚 刚才 然后 但是 可是 不过 因为 所以
如果 比如 之类 等等 之后 以后 之前 以前 时候 时 后 前 里 里面 上 下 中 来 去 说 看 看到 弄
搞 办 做 用 使用 进行 关于 有关 情况 问题 东西 其他
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


class Segmenter:
    """Cuts canonical text into the words that retrieval counts.

    `terms` are words that must stay whole; `cache` is a folder to keep the dictionary in, without which it is made
    anew, which takes 0.7 s. Thread-safe.
    """

    def __init__(self, terms: Iterable[str] = (), cache: Path | None = None) -> None:
        jieba.setLogLevel(logging.WARNING)
        self._jieba = jieba.Tokenizer()
        dictionary = open_dictionary(cache)
        self._jieba.FREQ, self._jieba.total, self._jieba.initialized = dictionary, dictionary.total, True
        for term in sorted({canonical(term) for term in terms}):
            self._jieba.add_word(term)

    def cut(self, text: str) -> list[str]:
        """All of a canonical text, cut into words of the dictionary and single characters."""
        return list(self._jieba.cut(text, HMM=False))

    def weight(self, word: str) -> float:
        """The logarithm of the share of running text that is this word; of a rare word where it is not known."""
        return math.log(max(self._jieba.FREQ.get(word) or 0, 1) / self._jieba.total)

    def words(self, text: str) -> list[str]:
        """The words of a canonical text in order, long words also in their parts; stop words and marks left out."""
        return [word for word in self._jieba.cut_for_search(text) if _WORD.search(word) and word not in STOP_WORDS]


def bigrams(text: str) -> list[str]:
    """Overlapping pairs of Chinese characters, and whole runs of Latin letters and digits, of a canonical text."""
    found: list[str] = []
    for run in _CJK_RUN.findall(text):
        if run[0].isascii() or len(run) == 1:
            found.append(run)
        else:
            found.extend(run[at : at + 2] for at in range(len(run) - 1))
    return found


def terms(knowledge: KnowledgeBase) -> list[str]:
    """The user dictionary of a knowledge base: names in its catalog, and what its entries put in quotation marks."""
    catalog = knowledge.catalog
    found = {alias for system in catalog.systems for alias in (system.name, *system.aliases, *system.cues)}
    found |= {
        cue for system in catalog.systems for audience in system.audiences for cue in (audience.name, *audience.cues)
    }
    found |= {word for term, names in catalog.synonyms.items() for word in (term, *names)} | set(catalog.terms)
    for entry in knowledge.entries:
        found.update(term for text in (entry.question, entry.answer) for term in _TERM.findall(text))
    return sorted(term for term in found if 2 <= len(term) <= 12 and not re.search(r"[\s,，。、:：?？!！()（）]", term))
