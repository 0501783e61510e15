"""Pictures of staff's on their way out to QQ: after the words, as replies like them; told when they do not arrive."""

from __future__ import annotations

from outgoing import SORRY, Hall, lines_of, portions, raises

from bot.qq.line import Refused, Unclear, Unfit
from bot.qq.parcel import PORTION

pytest_plugins = ("halls",)

PNG = b"\x89PNG a picture"


def show(hall: Hall, text: str) -> int:
    """A member of staff sends a picture with words; the message's sequence number."""
    hall.pictures["p"] = PNG
    message = hall.store.write(lambda t: t.add_message("c", "agent", text, now=hall.clock(), picture="p"))
    return message.sequence


def test_a_picture_goes_after_the_words_it_came_with(hall: Hall) -> None:
    """Each is a reply of its own, and each has a name of the platform's."""
    show(hall, "点这里")
    hall.deliver()
    assert hall.texts() == ["点这里", PNG]
    assert hall.replies() == [("m1", 1), ("m1", 2)]
    assert [(piece.text, piece.picture, piece.state) for piece in hall.pieces()] == [
        ("点这里", None, "sent"),
        ("", "p", "sent"),
    ]


def test_a_picture_of_what_is_not_to_go_to_qq_does_not_go_either(hall: Hall) -> None:
    """As in a group in which the bot is silent."""
    hall.text = lambda _, __, ___: ""
    show(hall, "点这里")
    hall.deliver()
    assert hall.line.tried == []


def test_a_picture_after_a_long_text_is_held_with_its_rest(hall: Hall) -> None:
    """It counts as one piece of what is left."""
    show(hall, lines_of("a", PORTION))
    hall.deliver()
    assert [hint for _, hint in portions(hall.texts())] == ["", "", "", "（内容较长，还有 1 段，回复「继续」查看。）"]
    assert hall.states() == ["sent"] * PORTION + ["held"]
    assert hall.more()
    hall.deliver()
    assert hall.texts()[-1] == PNG


def test_a_picture_that_is_refused_is_told_as_one(hall: Hall) -> None:
    """Its words have arrived, and the next message goes."""
    hall.line.faults = [lambda _: None, raises(Unfit("平台不接收这种图片"))]
    show(hall, "点这里")
    hall.say("好了吗", author="agent")
    hall.deliver()
    assert hall.texts() == ["点这里", SORRY, "好了吗"]
    assert hall.states() == ["sent", "sent", "failed", "sent"]
    assert hall.reasons() == {"图片没有送达：平台不接收这种图片"}


def test_a_picture_that_is_gone_is_told_as_one(hall: Hall) -> None:
    """Its words have arrived, and that something is missing is said."""
    show(hall, "点这里")
    hall.pictures.clear()
    hall.deliver()
    assert hall.texts() == ["点这里", SORRY]
    assert hall.reasons() == {"图片没有送达：图片已从服务器上删除"}


def test_a_picture_whose_answer_did_not_come_is_sent_as_the_same_reply(hall: Hall) -> None:
    """The platform knows it and drops it."""
    hall.line.faults = [lambda _: None, raises(Unclear("没有答复"), "after")]
    show(hall, "点这里")
    hall.deliver()
    assert hall.texts() == ["点这里", PNG]
    assert [sent.reply for sent in hall.line.tried] == [1, 2, 2]


def test_words_of_one_piece_with_a_picture_are_not_forwarded(endless: Hall) -> None:
    """Two pieces make no long message."""
    show(endless, "点这里")
    endless.deliver()
    assert endless.texts() == ["点这里", PNG]
    assert endless.line.whole == []


def test_long_words_are_forwarded_with_their_picture(endless: Hall) -> None:
    """Or go one by one, where that is refused."""
    show(endless, "一\n二")
    endless.deliver()
    assert endless.line.whole == [("一", "二", PNG)]
    endless.line.faults = [raises(Refused("不支持"))]
    show(endless, "三\n四")
    endless.deliver()
    assert endless.texts()[3:] == ["三", "四", PNG]
