"""Errors become HTTP here and nowhere else: problem+json (RFC 9457) whose detail a visitor can read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from bot import account, agent, archive, canned, contact, picture, preference, ticket, turn, version
from bot.api.schema import Problem
from bot.store.base import ConstraintError, StoreError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_STATUS: dict[type[Exception], int] = {
    contact.BadContact: 422,
    turn.BadMessage: 422,
    turn.TooLong: 413,
    turn.Unknown: 404,
    turn.NotOffered: 409,
    turn.MessageConflict: 409,
    account.BadAccount: 422,
    account.NoAccount: 404,
    account.AccountTaken: 409,
    account.LastAdmin: 409,
    account.LoginFailed: 401,
    account.LoginThrottled: 429,
    agent.NoTicket: 404,
    agent.AlreadySent: 409,
    agent.NotYours: 409,
    ticket.IllegalChange: 409,
    archive.NoConversation: 404,
    archive.InHand: 409,
    version.BadChange: 422,
    version.Missing: 404,
    version.DraftMoved: 409,
    version.NotPrepared: 409,
    version.Faulty: 409,
    version.Unconfirmed: 409,
    version.Unreadable: 409,
    version.CannotWrite: 409,
    picture.PictureError: 415,
    preference.BadPreference: 422,
    preference.Outdated: 409,
    canned.NoCanned: 404,
    canned.TooManyCanned: 409,
    picture.PictureTooLarge: 413,
    picture.PictureBusy: 503,
}
"""By exact type: an error that is not named here is not meant for whoever asks."""
_DETAIL = {
    400: "请求格式不正确，应为 UTF-8 编码的 JSON。",
    401: "请提供会话凭证。",
    403: "没有权限进行这项操作。",
    404: "找不到您要的内容。",
    405: "不支持这种请求方式。",
    408: "请求没有及时发送完，请检查网络后重新发送。",
    413: "内容太长了，请缩短后重新发送。",
    415: "不支持这种文件，请发送 PNG、JPEG 等格式的图片。",
    429: "发送太频繁了，请稍后再试。",
    431: "请求头太长了。",
    500: "系统出现内部错误，请稍后再试；如问题持续，请联系人工客服。",
    503: "服务暂时不可用，请稍后再试。",
}
_TYPES = {
    "missing": "缺少必填项",
    "string_type": "应为文字",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "greater_than_equal": "数值太小",
    "less_than_equal": "数值太大",
    "string_too_long": "太长了",
    "string_too_short": "太短了",
    "string_unicode": "含有无法识别的字符",
    "model_attributes_type": "应为 JSON 对象",
    "dict_type": "应为 JSON 对象",
}


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = MEDIA_TYPE


def problem(
    status: int,
    detail: str | None = None,
    headers: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> ProblemResponse:
    """A problem of that status; a general Chinese detail where none is given."""
    return ProblemResponse(_problem(status, detail, fields), status_code=status, headers=headers)


def _problem(status: int, detail: str | None = None, fields: dict[str, str] | None = None) -> dict[str, Any]:
    title, told = HTTPStatus(status).phrase, detail or _DETAIL.get(status, _DETAIL[400])
    return Problem(title=title, status=status, detail=told, fields=fields).model_dump(exclude_none=True)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says of its errors in the OpenAPI document."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": _problem(status),
                }
            },
        }
        for status in statuses
    }


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as HTTP tells it: a status, Chinese words for whoever asked, headers."""

    status: int
    detail: str
    headers: dict[str, str] | None = None
    fields: dict[str, str] | None = None
    """What is wrong with single fields, by their names."""


def install(app: FastAPI, show: Callable[[Request, Refusal], Response] | None = None) -> None:
    """Turn every expected error of the application into a problem, or what `show` makes of it.

    The guard sees to the unexpected ones.
    """

    async def refused(request: Request, error: Exception) -> Response:
        refusal = _refusal(error)
        if show is None:
            return problem(refusal.status, refusal.detail, refusal.headers, refusal.fields)
        return show(request, refusal)

    for kind in (*_STATUS, StoreError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, refused)


def _refusal(error: Exception) -> Refusal:
    status, detail, headers, fields = 500, "", None, None
    if isinstance(error, StoreError):
        log.error("store: %s", error)
        status = 500 if isinstance(error, ConstraintError) else 503
    elif isinstance(error, HTTPException):
        own_words = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
        status, headers = error.status_code, dict(error.headers or {})
        detail = "" if own_words.isascii() else own_words
    elif isinstance(error, RequestValidationError):
        status, detail = _invalid(error)
    else:
        status, detail = _STATUS[type(error)], str(error)
        if isinstance(error, account.LoginThrottled):
            headers = {"Retry-After": str(error.seconds)}
        if isinstance(error, contact.BadContact):
            fields = error.fields
    return Refusal(status, detail or _DETAIL.get(status, _DETAIL[400]), headers, fields)


def _invalid(error: RequestValidationError) -> tuple[int, str]:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return 400, ""
    field = ".".join(str(part) for part in first["loc"][1:] if not isinstance(part, int))
    what = _TYPES.get(first["type"], "格式不正确")
    return 422, f"请求中的 {field} {what}。" if field else f"请求内容{what}。"
