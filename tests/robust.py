"""Covered questions in other spellings, and how much of the ranking survives: `python tests/robust.py [--failures]`.

Each form is what people do without changing what they ask: another script, another keyboard, pinyin left as typed, the
wrong homophone, a preamble, no punctuation. All is deterministic. It says nothing of questions that are not covered.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final
from zlib import crc32

ROOT: Final = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

import jieba  # noqa: E402
import opencc  # noqa: E402
from pypinyin import Style, pinyin  # noqa: E402
from pypinyin.contrib.tone_convert import to_normal  # noqa: E402
from pypinyin.phrases_dict import phrases_dict  # noqa: E402

from bot import upkeep  # noqa: E402
from bot.case import Case, Label  # noqa: E402
from bot.desk import Desk  # noqa: E402
from bot.evaluate import QUESTIONS, Question, predict, read_set  # noqa: E402
from bot.settings import Settings  # noqa: E402
from faq.entry import Entry  # noqa: E402
from faq.knowledge import KnowledgeBase  # noqa: E402
from index.segment import Segmenter, terms  # noqa: E402
from index.variant import canonical  # noqa: E402

UNTOUCHED: Final = "untouched"
THREADS: Final = 8
"""The encoder takes what is asked at the same time together, which is quicker."""

GREETINGS: Final = (
    "您好，",
    "老师您好，打扰一下。",
    "客服你好，请问一下，",
    "在吗？想咨询个问题。",
    "下午好，麻烦您了。",
    "你好，有人在吗？",
)
BACKGROUND: Final = (
    "我刚接手这块工作，前面的流程都不太熟。",
    "领导让我这周五下班前一定要弄完。",
    "我是办公室的小王，平时不负责这个。",
    "我们这边开会又催了一遍，挺急的。",
    "昨天下午弄到六点多也没弄明白。",
    "我在外地出差，手边只有一台笔记本电脑。",
    "原来负责的同事休产假去了，临时换成我来做。",
    "上个月培训的时候我没能参加。",
    "群里问了一圈，大家都说不清楚。",
    "今天一大早就坐在电脑前弄这个。",
    "这个月底就要交材料了，时间有点紧。",
    "我年纪大了，电脑操作得慢，您多担待。",
)

_S2T: Final = opencc.OpenCC("s2t")
_T2S: Final = opencc.OpenCC("t2s")
_READ_SO: Final = {
    "重置": "chong zhi",
    "重设": "chong she",
    "登不了": "deng bu liao",
    "改不了": "gai bu liao",
    "不得了": "bu de liao",
    "找不着": "zhao bu zhao",
}
"""What pypinyin reads character by character, or otherwise than people do."""
_CHINESE_WORD: Final = re.compile(r"[\u3400-\u9fff]{2,}")
_FULL_WIDTH: Final = {0x20: 0x3000} | {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@dataclass(frozen=True, slots=True)
class Result:
    """A form of the questions, asked: the texts as they were and became, and what the bot made of them."""

    form: str
    asked: tuple[tuple[Question, str], ...]
    cases: tuple[Case, ...]

    @property
    def changed(self) -> int:
        """How many texts the form changed."""
        return sum(question.text != text for question, text in self.asked)

    @property
    def top1(self) -> float:
        """The share of questions whose first hit is right."""
        return sum(case.right for case in self.cases) / len(self.cases)

    def answered(self, *, right: bool) -> float:
        """The share of questions that are answered, and rightly or wrongly so."""
        return sum(case.decided("answer") and case.right == right for case in self.cases) / len(self.cases)

    def lost(self, untouched: Result) -> Iterator[str]:
        """A line for each question whose first hit is right as it was, and wrong in this form."""
        for (question, text), case, before in zip(self.asked, self.cases, untouched.cases, strict=True):
            if before.right and not case.right:
                entries = ",".join(case.label.entries)
                yield f"{self.form} {question.id} [{question.context}] {entries} → {case.first}: {text}"


class Forms:
    """The forms of a question, by what is known of the entries that answer it."""

    def __init__(self, knowledge: KnowledgeBase, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._words = {entry.id: self._words_of(entry) for entry in knowledge.entries}
        self._found_in = Counter(word for words in self._words.values() for word in words)
        self.all: Mapping[str, Callable[[Question, Label], str]] = {
            UNTOUCHED: lambda question, _: question.text,
            "traditional": lambda question, _: str(_S2T.convert(question.text)),
            "full-width": lambda question, _: question.text.translate(_FULL_WIDTH),
            "pinyin": lambda question, label: self._with_key_word(question, label, typed),
            "homophone": lambda question, label: self._with_key_word(question, label, misheard),
            "preamble": lambda question, _: preamble(question.id) + question.text,
            "unpunctuated": lambda question, _: unpunctuated(question.text),
        }

    def key_word(self, text: str, label: Label) -> str | None:
        """The rarest word of a simplified text, by the entries it is found in, that a right entry has as well."""
        shared = {word for entry in label.entries for word in self._words.get(entry, ())}
        words = [w for w in dict.fromkeys(self._segmenter.words(text)) if _CHINESE_WORD.fullmatch(w) and w in shared]
        return max(words, key=lambda word: (self._idf(word), len(word)), default=None)

    def _with_key_word(self, question: Question, label: Label, change: Callable[[str], str]) -> str:
        """The text with its key word changed, once; the same text where it has none."""
        text = str(_T2S.convert(question.text))
        word = self.key_word(text, label)
        if word is None:
            return question.text
        at = text.index(word)
        kept = question.text if len(question.text) == len(text) else text
        return kept[:at] + change(word) + kept[at + len(word) :]

    def _words_of(self, entry: Entry) -> frozenset[str]:
        texts = (entry.question, entry.answer, *entry.similar)
        return frozenset(word for text in texts for word in self._segmenter.words(canonical(text)))

    def _idf(self, word: str) -> float:
        return math.log(len(self._words) / self._found_in[word])


def typed(word: str) -> str:
    """A word as it is typed: 账号 → zhanghao."""
    return "".join(_syllables(word))


def misheard(word: str) -> str:
    """A word with one character put for another of its sound, the commonest there is: 账号 → 账好."""
    found = [
        (count, at, other)
        for at, (char, syllable) in enumerate(zip(word, _syllables(word), strict=True))
        for count, other in _by_sound().get(syllable, [])[:2]
        if other != char
    ]
    if not found:
        return word
    _, at, other = max(found)
    return word[:at] + other + word[at + 1 :]


def preamble(seed: str) -> str:
    """A greeting, and one or two sentences that a visitor begins with."""
    number = crc32(seed.encode())
    first, second = BACKGROUND[number % 12], BACKGROUND[(number % 12 + 1 + number // 12 % 11) % 12]
    return GREETINGS[number // 144 % 6] + first + (second if number // 1000 % 2 else "")


def unpunctuated(text: str) -> str:
    """A text without its punctuation; spaces stay."""
    return "".join(char for char in text if not unicodedata.category(char).startswith("P"))


def covered(path: Path) -> list[tuple[Question, Label]]:
    """The questions of a set that an entry answers."""
    return [(question, label) for question, label in read_set(path).rows if label.expect == "answer"]


def ask(desk: Desk, rows: Sequence[tuple[Question, Label]], segmenter: Segmenter) -> dict[str, Result]:
    """Ask every question in every form, untouched first."""
    forms = Forms(desk.knowledge, segmenter).all

    def ask_one(row: tuple[Question, Label]) -> list[tuple[str, Case]]:
        question, label = row
        texts = [write(question, label) for write in forms.values()]
        return [(text, Case(label, predict(desk, replace(question, text=text)))) for text in texts]

    with ThreadPoolExecutor(THREADS) as pool:
        said = list(pool.map(ask_one, rows))
    return {
        form: Result(
            form=form,
            asked=tuple((question, of_one[at][0]) for (question, _), of_one in zip(rows, said, strict=True)),
            cases=tuple(of_one[at][1] for of_one in said),
        )
        for at, form in enumerate(forms)
    }


def table(results: Mapping[str, Result]) -> str:
    """A line per form: texts changed, top-1, answered right and wrong in percent."""
    lines = [f"{'form':14}{'changed':>8}{'top-1':>8}{'fall':>7}{'right':>8}{'wrong':>8}"]
    untouched = results[UNTOUCHED].top1
    for form, result in results.items():
        figures = (result.top1, result.answered(right=True), result.answered(right=False))
        top1, right, wrong = (f"{100 * figure:.1f}" for figure in figures)
        lines.append(f"{form:14}{result.changed:8}{top1:>8}{100 * (untouched - result.top1):7.1f}{right:>8}{wrong:>8}")
    return "\n".join(lines)


def main() -> int:
    """Print the table for the project's own questions, or for the set named."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog="python tests/robust.py", description="Ask covered questions in other forms.")
    parser.add_argument("set", type=Path, nargs="?", default=settings.faq_documents / QUESTIONS)
    parser.add_argument("--failures", action="store_true", help="show which questions a form loses")
    options = parser.parse_args()
    desk = upkeep.desk_for(settings)
    segmenter = Segmenter(terms(desk.knowledge), settings.data_dir / "cache")
    results = ask(desk, covered(options.set), segmenter)
    print(table(results))
    if options.failures:
        for result in results.values():
            print(*result.lost(results[UNTOUCHED]), sep="\n")
    return 0


def _syllables(word: str) -> list[str]:
    """The syllables of a word without tones, as it is read as a word where that is known: 重置 → chong, zhi."""
    if word in _READ_SO:
        return _READ_SO[word].split()
    if word in phrases_dict:
        return [to_normal(readings[0]) for readings in phrases_dict[word]]
    return [_reading(char) for char in word]


def _reading(char: str) -> str:
    return str(pinyin(char, style=Style.NORMAL)[0][0])


def _is_everyday(char: str) -> bool:
    """Whether a character is one of the 3,755 of GB 2312's first level."""
    return b"\xb0\xa1" <= char.encode("gb2312", errors="ignore") <= b"\xd7\xf9"


@cache
def _by_sound() -> dict[str, list[tuple[int, str]]]:
    """The characters of everyday use with their counts in jieba's dictionary by their syllable, commonest first."""
    found: dict[str, list[tuple[int, str]]] = {}
    with jieba.get_dict_file() as lines:
        for line in lines:
            word, count, *_ = line.decode().split(" ")
            if len(word) == 1 and _is_everyday(word):
                found.setdefault(_reading(word), []).append((int(count), word))
    return {syllable: sorted(characters, reverse=True) for syllable, characters in found.items()}


if __name__ == "__main__":
    sys.exit(main())
