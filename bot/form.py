"""Filling in a dossier: consent, one field after another, a last look, handed in. Pure.

A message may bring several values; what it brings is checked by `field` and kept. A value that cannot be taken three
times is kept as it was typed, marked as unchecked: a visitor is never stuck. What turns out not to be meant for the
form is left to the bot's other wits (`Filled.taken` is false), which answer it and ask again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from bot import say, wording
from bot.dossier import Dossier, Field
from bot.field import FieldError, check, find, label_values
from bot.mask import mask
from bot.model import Step
from index.variant import canonical, is_courtesy, simplified

CONSENT: Final = "consent"
CONFIRM: Final = "confirm"
TRIES: Final = 3
UNCHECKED: Final = "（未能核对）"
LONGEST_UNCHECKED: Final = 200
TELLING: Final = 9
"""Letters from which on what was asked before tells what happened: 「我要申诉」 does not."""
LEAST_ADDED: Final = 3
MOST_TOLD: Final = 1000
"""Characters of what is added at the last look, and of all that one field tells."""
SKIPPED: Final = ""
PICTURE: Final = "picture:"
_PICTURE: Final = re.compile(rf"{PICTURE}[A-Za-z0-9_-]+")
"""Before the id of a picture, where that is a field's value."""

State: TypeAlias = Literal["asking", "done", "cancelled"]


@dataclass(frozen=True, slots=True)
class Form:
    """How far a dossier is filled in: values by field name, what is asked, how often it was asked in vain."""

    fields: Mapping[str, str]
    asked: str | None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Filled:
    """A form after a message; `said` goes before the next question. `taken`: the message was meant for the form."""

    form: Form
    state: State = "asking"
    said: str = ""
    taken: bool = True


def begin() -> Form:
    """An empty form, which first of all wants consent."""
    return Form({}, CONSENT)


def fill(dossier: Dossier, form: Form, text: str, picture: str | None = None, *, before: Sequence[str] = ()) -> Filled:
    """The form after a message of the visitor's, with the id of the picture that came with it.

    `before` are the texts before it: of the values that could not be taken, the one that came nearest is kept.
    """
    text = simplified(text)
    ways = (_cancelled, _consented, _pictured, _gone_back, _changed, _confirmed, _skipped, _polite, _valued)
    filled = next(filled for way in ways if (filled := way(dossier, form, text, picture)))
    if form.asked and filled.form.fields.get(form.asked, "").endswith(UNCHECKED):
        nearest = max([*before[-TRIES + 1 :], text], key=lambda tried: sum(c.isascii() and c.isalnum() for c in tried))
        kept = {**filled.form.fields, form.asked: nearest.strip()[:LONGEST_UNCHECKED] + UNCHECKED}
        return replace(filled, form=replace(filled.form, fields=kept))
    return filled


def recall(dossier: Dossier, form: Form, earlier: Sequence[tuple[str, str | None]], heard: str | None = None) -> Form:
    """The form, once consented to, with what the visitor's earlier messages (texts and pictures) already gave.

    `heard` is what was asked before; it counts where it tells more than the wish itself.
    """
    fields: dict[str, str] = {}
    if heard and sum(map(str.isalnum, heard)) >= TELLING:
        fields = {field.name: heard for field in dossier.fields if field.heard}
    for text, picture in earlier:  # what was said last counts
        if not say.is_asking(text):
            fields |= _found(dossier, text, set())
        fields |= _labelled(dossier, text)
        wanting = [field for field in dossier.fields if "image" in field.kinds]
        if picture is not None and wanting:
            fields[wanting[0].name] = PICTURE + picture
    return _onward(dossier, replace(form, fields={**fields, **form.fields}))


def step(dossier: Dossier, form: Form) -> Step:
    """What the form asks for now."""
    left = len([field for field in dossier.fields if field.name not in form.fields])
    if form.asked == CONSENT:
        labels = "、".join(field.label for field in dossier.fields if field.name not in form.fields)
        ask = dossier.notice.replace("{fields}", labels or "您已说明的情况")
        return Step(CONSENT, "同意", ask, choices=("同意", "取消"), left=left)
    field = dossier.field(form.asked)
    if field is None:
        change = f"回复“确认”提交；要修改请回复“修改”加项目名称，例如“修改{dossier.fields[0].label}”。"
        ask = f"请核对：\n{summary(dossier, form.fields)}\n{change}"
        return Step(CONFIRM, "确认", ask, choices=("确认", "取消"))
    ask = field.ask if field.required else f"{field.ask}没有或不清楚的话请回复“跳过”。"
    return Step(field.name, field.label, ask, field.kinds, field.required, () if field.required else ("跳过",), left)


def summary(dossier: Dossier, fields: Mapping[str, str]) -> str:
    """The dossier as lines to read; pictures are only said to be there."""
    return "\n".join(f"{field.label}：{shown(field, fields.get(field.name))}" for field in dossier.fields)


def shown(field: Field, value: str | None) -> str:
    """A field's value as people read it."""
    if not value:
        return "未提供"
    return "已收到图片" if is_picture(field, value) else value


def is_picture(field: Field, value: str) -> bool:
    """Whether a field's value is the id of a picture."""
    return "image" in field.kinds and _PICTURE.fullmatch(value) is not None


def masked(field: Field | None, value: str) -> str:
    """A field's value without personal data; None stands for a field that is declared no more."""
    return value if field is not None and is_picture(field, value) else mask(value)


def missing(dossier: Dossier, fields: Mapping[str, str]) -> tuple[Field, ...]:
    """The required fields that are not filled in."""
    return tuple(field for field in dossier.fields if field.required and not fields.get(field.name))


def _cancelled(_: Dossier, form: Form, text: str, __: str | None) -> Filled | None:
    return Filled(form, "cancelled") if say.is_cancel(text) or say.is_withdrawal(text) else None


def _consented(dossier: Dossier, form: Form, text: str, _: str | None) -> Filled | None:
    if form.asked != CONSENT:
        return None
    if say.is_yes(text):
        return Filled(_onward(dossier, form))
    if say.is_no(text):
        return Filled(form, "cancelled")
    return Filled(form, said="登记之前需要您同意。", taken=False)


def _pictured(dossier: Dossier, form: Form, text: str, picture: str | None) -> Filled | None:
    """The form with a picture where one is wanted: where it is asked for, else where there is none yet."""
    if picture is None:
        return None
    wanting = [field for field in dossier.fields if "image" in field.kinds]
    asked = [field for field in wanting if field.name == form.asked]
    empty = [field for field in wanting if not form.fields.get(field.name)]
    if not wanting:
        return None if text.strip() else Filled(form, said="图片已收到。")
    field = (asked or empty or wanting)[0]
    shown = {field.name: PICTURE + picture}
    form = replace(form, fields={**form.fields, **shown})
    if text.strip() and not asked and dossier.field(form.asked):
        filled = _valued(dossier, form, text, None)
        return replace(filled, form=replace(filled.form, fields={**filled.form.fields, **shown}))
    beside = {**_found(dossier, text, set(form.fields)), **_labelled(dossier, text)}
    return Filled(_onward(dossier, replace(form, fields={**form.fields, **beside, **shown})))


def _gone_back(dossier: Dossier, form: Form, text: str, _: str | None) -> Filled | None:
    if not say.is_back(text):
        return None
    names = [field.name for field in dossier.fields]
    at = names.index(form.asked) if form.asked in names else len(names)
    return Filled(form, said="已经是第一项。") if at == 0 else Filled(replace(form, asked=names[at - 1], tries=0))


def _changed(dossier: Dossier, form: Form, text: str, _: str | None) -> Filled | None:
    """The form after 「修改手机号」 or 「手机号填错了」, where the message names a field."""
    what, value = say.change_of(text) or ("", None)
    named = [field for field in dossier.fields if what and _key(what) in map(_key, (field.label, *field.aliases))]
    if not named:
        return None
    field = named[0]
    if value is None:
        return Filled(replace(form, asked=field.name, tries=0))
    try:
        fields = {**form.fields, field.name: _checked(field, value)}
    except FieldError as error:
        return Filled(Form(form.fields, field.name), said=str(error))
    return Filled(_onward(dossier, replace(form, fields=fields)), said="已更改。")


def _confirmed(dossier: Dossier, form: Form, text: str, _: str | None) -> Filled | None:
    if form.asked != CONFIRM:
        return None
    if say.is_yes(text) or say.plain(text).startswith(("就这样", "那就这样", "先这样")):
        return Filled(form, "done")
    if said := _in_passing(text):
        return Filled(form, said=said)
    if say.is_no(text):
        return Filled(form, said=f"请告诉我要修改哪一项，例如“修改{dossier.fields[0].label}”。")
    corrected = None if say.is_asking(text) else _corrected(dossier, form, text)
    return corrected or Filled(form, said="还没有提交。", taken=False)


def _corrected(dossier: Dossier, form: Form, text: str) -> Filled | None:
    """The form with what is put right or added at the last look."""
    exact = {field.name for field in dossier.fields if "code" in field.kinds or "account" in field.kinds}
    found = _labelled(dossier, text) or _found(dossier, text, exact)
    if found:
        return Filled(replace(form, fields={**form.fields, **found}), said="已更改。")
    open_ended = [field for field in dossier.fields if {"text", "regions"} & set(field.kinds)]
    if not open_ended or len(text.strip()) < LEAST_ADDED:
        return None
    field = max(open_ended, key=lambda field: field.heard)
    told = "；".join(filter(None, (form.fields.get(field.name), text.strip())))
    return Filled(replace(form, fields={**form.fields, field.name: told[:MOST_TOLD]}), said=wording.ADDED)


def _skipped(dossier: Dossier, form: Form, text: str, _: str | None) -> Filled | None:
    asked = dossier.field(form.asked)
    if asked is None or not (say.is_skip(text) or say.is_ignorant(text)):
        return None
    if form.fields.get(asked.name):  # asked for once more, and nothing better came
        return Filled(_onward(dossier, form))
    tried = form.tries + 1
    if asked.required and tried < TRIES:
        return Filled(replace(form, tries=tried), said=f"办理这件事需要{asked.label}，请尽量提供。")
    return Filled(_onward(dossier, replace(form, fields={**form.fields, asked.name: SKIPPED})))


def _polite(dossier: Dossier, form: Form, text: str, _: str | None) -> Filled | None:
    """The form as it is, after what is said in passing, or a second 「同意」."""
    if dossier.field(form.asked) is None:
        return None
    said = _in_passing(text) or (wording.GO_ON if say.is_yes(text) else None)
    return Filled(form, said=said) if said else None


def _in_passing(text: str) -> str | None:
    """What is said to greetings, thanks, leave taken, and 「稍等」; None for anything else."""
    if say.is_waiting(text):
        return wording.PATIENCE
    if say.is_solved(text) or say.is_farewell(text):
        return wording.UNFINISHED
    if say.is_thanks(text):
        return wording.WELCOME
    return wording.HELLO if is_courtesy(canonical(text)) and not say.is_yes(text) else None


def _valued(dossier: Dossier, form: Form, text: str, _: str | None) -> Filled:
    """The form with the values that a message brings, the one asked for first of all."""
    asked = dossier.field(form.asked)
    if asked is None:  # the declaration was changed under a form
        return Filled(_onward(dossier, form))
    labelled = _labelled(dossier, text)
    found = {**_found(dossier, text, {*form.fields, *labelled}, first=asked), **labelled}
    if asked.name not in found and (not found or ("text" in asked.kinds and not labelled)):
        if not asked.heard and say.is_asking(text):
            return Filled(form, taken=False)
        try:
            found[asked.name] = _checked(asked, text)
        except FieldError as error:
            if better := _better(dossier, form, text):
                return Filled(replace(form, fields={**form.fields, **better}), said="已更改。")
            if not found:
                return _refused(dossier, form, asked, text, str(error))
    return Filled(_onward(dossier, replace(form, fields={**form.fields, **found})))


def _better(dossier: Dossier, form: Form, text: str) -> dict[str, str]:
    """Exact values for fields that have others: the credit code after all, for the account asked for before."""
    exact = [field for field in dossier.fields if {"credit_code", "phone", "county"} & set(field.kinds)]
    found = _found(replace(dossier, fields=tuple(exact)), text, set())
    return {name: value for name, value in found.items() if name in form.fields and form.fields[name] != value}


def _refused(dossier: Dossier, form: Form, asked: Field, text: str, problem: str) -> Filled:
    tried = form.tries + 1
    if tried < TRIES or asked.kinds == ("image",):
        return Filled(replace(form, tries=tried), said=problem, taken=False)
    if form.fields.get(asked.name):
        return Filled(_onward(dossier, form), said="已保留原来的内容。")
    kept = {**form.fields, asked.name: f"{text.strip()[:LONGEST_UNCHECKED]}{UNCHECKED}"}
    return Filled(_onward(dossier, replace(form, fields=kept)), said="已按您填写的内容记录，工作人员会与您核对。")


def _onward(dossier: Dossier, form: Form) -> Form:
    """The form asking for the first field that nothing is known of, or for a last look."""
    empty = (field.name for field in dossier.fields if field.name not in form.fields)
    return Form(form.fields, next(empty, CONFIRM))


def _labelled(dossier: Dossier, text: str) -> dict[str, str]:
    """The valid values that stand after their labels (公司：…)."""
    values = {}
    for name, raw in _raw(dossier, text).items():
        field = dossier.field(name)
        try:
            values[name] = _checked(field, raw) if field else raw
        except FieldError:
            continue
    return values


def _raw(dossier: Dossier, text: str) -> dict[str, str]:
    """What stands after the labels of fields, as it was typed."""
    return label_values(text, {field.name: (field.label, *field.aliases) for field in dossier.fields})


def _found(dossier: Dossier, text: str, known: set[str], first: Field | None = None) -> dict[str, str]:
    """The values found in a message for fields not known yet, the one asked for before the others; each place once."""
    values: dict[str, str] = {}
    rest = text
    for raw in _raw(dossier, text).values():  # what stands after a label belongs to it alone
        rest = rest.replace(raw, " " * len(raw), 1)
    for field in sorted(dossier.fields, key=lambda field: field is not first):
        if field.name in known and field is not first:
            continue
        for kind in field.kinds:
            if hit := find(kind, rest):
                values[field.name] = hit.value
                rest = rest[: hit.start] + " " * (hit.end - hit.start) + rest[hit.end :]
                break
    return values


def _key(name: str) -> str:
    """A field's name as people may write it: 「ip 截图」 is 「IP截图」."""
    return "".join(canonical(name).split())


def _checked(field: Field, text: str) -> str:
    """The value in its normal form by the first kind that takes it; FieldError by the last kind otherwise."""
    problems: list[FieldError] = []
    for kind in field.kinds:
        try:
            return check(kind, text)
        except FieldError as error:
            problems.append(error)
    raise problems[-1]
