"""How alike questions are: meaning, characters and sound in one kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import likeness
from index.likeness import Floats, Kernel, Likeness

TEXTS = ["忘记密码", "账号锁定", "张浩锁定", "粉尘怎么填", "粉尘怎么填", "404"]
AXES = np.eye(len(TEXTS), dtype=np.float32)
NOTHING = np.zeros(len(TEXTS), dtype=np.float32)

EVERY = np.arange(len(TEXTS))

texts = st.lists(st.text(max_size=10) | st.text(st.sampled_from("忘记密码账号404a "), max_size=8), max_size=8)


@pytest.mark.parametrize("vectors", [None, AXES], ids=["keyword", "hybrid"])
def test_a_question_is_at_one_with_itself(vectors: Floats | None) -> None:
    """With an encoder and without; of all others it is less."""
    matrix = Kernel(Likeness(TEXTS, vectors), TEXTS, vectors)[EVERY]
    assert np.diag(matrix) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert (matrix > 0).all()
    assert (matrix <= 1 + 1e-5).all()
    assert matrix == pytest.approx(matrix.T, abs=1e-6)


def test_a_homophone_is_nearer_than_something_else() -> None:
    """账号 and 张浩 share no character but every sound."""
    likeness = Likeness(["账号", "密码"], None)
    near, far = likeness.kernel("张浩", NOTHING[:2])
    assert near > far


def test_shared_characters_are_nearer_than_none() -> None:
    """密码忘了 is nearer to 忘记密码 than to 账号锁定."""
    near, far = Likeness(TEXTS[:2], None).kernel("密码忘了", NOTHING[:2])
    assert near > far


def test_meaning_counts_where_there_is_an_encoder() -> None:
    """And is not looked at where there is none."""
    cosines = np.array([0, 1, 0, 0, 0, 0], np.float32)
    with_meaning, without = Likeness(TEXTS, AXES), Likeness(TEXTS, None)
    assert with_meaning.kernel("进不去", cosines).argmax() == 1
    assert without.kernel("进不去", cosines).tolist() == without.kernel("进不去", NOTHING).tolist()


def test_marks_and_spaces_make_no_difference_to_characters() -> None:
    """忘记 密码? is 忘记密码."""
    likeness = Likeness(TEXTS, None)
    assert likeness.kernel("忘记 密码", NOTHING)[0] == pytest.approx(1, abs=1e-5)


def test_equal_questions_are_equally_near_to_the_bit() -> None:
    """Nothing tells the two apart."""
    kernel = Likeness(TEXTS, None).kernel("粉尘填什么", NOTHING)
    assert kernel[3] == kernel[4]


@given(texts)
def test_any_questions_have_a_kernel(questions: list[str]) -> None:
    """Empty ones, marks alone, none at all."""
    likeness = Likeness(questions, None)
    kernel = Kernel(likeness, questions, None)
    matrix = kernel[np.arange(len(questions))]
    assert len(kernel) == len(questions)
    assert matrix.shape == (len(questions), len(questions))
    assert np.isfinite(matrix).all()
    assert likeness.landmarks.tolist() == list(range(len(questions)))


def test_a_large_knowledge_base_is_compared_with_few_of_its_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly spread over it, so the cost of a message has a bound."""
    monkeypatch.setattr(likeness, "LANDMARKS", 3)
    few = Likeness(TEXTS, AXES)
    assert few.landmarks.tolist() == [0, 2, 5]
    matrix = Kernel(few, TEXTS, AXES)[EVERY]
    whole = np.array([few.kernel(text, AXES[at][few.landmarks]) for at, text in enumerate(TEXTS)])
    assert matrix.shape == (6, 3)
    assert matrix == pytest.approx(whole, abs=1e-6)
    assert matrix[few.landmarks].argmax(axis=1).tolist() == [0, 1, 2]


def test_many_classes_leave_room_for_fewer_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier has a weight per class and landmark, and all of them have a budget; one landmark there always is."""
    monkeypatch.setattr(likeness, "WEIGHTS", 12)
    assert [len(Likeness(TEXTS, None, classes).landmarks) for classes in (0, 1, 2, 3, 4, 13)] == [6, 6, 6, 4, 3, 1]


def test_the_budget_takes_nothing_from_a_help_desk_of_common_size() -> None:
    """Two thousand entries have as many landmarks as one."""
    assert likeness.WEIGHTS // 2001 >= likeness.LANDMARKS


def test_rows_are_the_same_alone_and_together() -> None:
    """They are asked for in parts where all of them are too many."""
    kernel = Kernel(Likeness(TEXTS, AXES), TEXTS, AXES)
    assert kernel[np.array([4, 1])] == pytest.approx(kernel[EVERY][[4, 1]], abs=1e-6)
