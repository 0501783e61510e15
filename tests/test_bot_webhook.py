"""Notices on their way to real HTTP servers on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import logging
import queue
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpcore
import pytest
from tenacity import wait_fixed

from bot.notify import Notice, Outcome, Target, message, parse_targets
from bot.outward import is_allowed
from bot.webhook import WAIT, WebhookNotify

SECRET = "topsecret"
AT_ONCE = wait_fixed(0)
PUBLIC = "93.184.215.14"
Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, b'{"errcode": 0, "code": 0}')


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A server that notes what it receives and gives the answers it was told to, then OK; `hold` keeps them back."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: list[Answer | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    hold: threading.Event | None = None

    def target(self, kind: str = "webhook", *, host: str = "127.0.0.1", secret: str | None = SECRET) -> Target:
        path = {"wecom": "/send?key=hushkey", "dingtalk": "/send?access_token=hushtoken"}.get(kind, "/hook/hushpath")
        fragment = "" if secret is None or kind == "wecom" else f"#{secret}"
        return parse_targets(f"{kind}:http://{host}:{self.port}{path}{fragment}")[0]


@contextmanager
def receiving(
    *answers: Answer | Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    receiver = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, dict(self.headers), body))
            if receiver.hold is not None:
                receiver.hold.wait(5)
            answer = receiver.answers.pop(0) if receiver.answers else OK
            with suppress(OSError):  # the other side hung up
                if callable(answer):
                    answer(self)
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield receiver
        if receiver.hold is not None:
            receiver.hold.set()
        server.shutdown()
        thread.join()


class Verdicts:
    """Takes outcomes; `next` waits for one."""

    def __init__(self) -> None:
        self._told: queue.Queue[tuple[Notice, Target, Outcome]] = queue.Queue()

    def __call__(self, notice: Notice, target: Target, outcome: Outcome) -> None:
        self._told.put((notice, target, outcome))

    def next(self) -> tuple[str, str, bool, str]:
        notice, target, outcome = self._told.get(timeout=5)
        return notice.id, target.name, outcome.delivered, outcome.reason

    def final(self) -> bool:
        """Whether the next one is one for good."""
        return not self._told.get(timeout=5)[2].retry

    def none(self) -> bool:
        return self._told.empty()


@contextmanager
def telling(targets: Iterable[Target], **options: Any) -> Iterator[tuple[WebhookNotify, Verdicts]]:
    verdicts = Verdicts()
    notify = WebhookNotify(targets, **{"outcome": verdicts, "allow_private": True, "wait": AT_ONCE, **options})
    try:
        yield notify, verdicts
    finally:
        notify.close(5)


def notice(name: str = "n1") -> Notice:
    return Notice(
        name, "ticket.waiting", 12, "账号解锁", "职业病系统", "账号被锁定", datetime(2026, 11, 22, tzinfo=UTC)
    )


class Network(httpcore.SyncBackend):
    """Connects to a receiver whatever the address, and notes the address."""

    def __init__(self, receiver: Receiver) -> None:
        self.called: list[str] = []
        self._port = receiver.port

    def connect_tcp(self, host: str, _port: int, *rest: Any, **named: Any) -> httpcore.NetworkStream:  # type: ignore[override]
        self.called.append(host)
        return super().connect_tcp("127.0.0.1", self._port, *rest, **named)


def test_wecom_receives_a_text_message() -> None:
    """Under its key."""
    with receiving() as receiver, telling([receiver.target("wecom")]) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.next() == ("n1", "wecom[1]", True, "")
    [received] = receiver.received
    assert received.path == "/send?key=hushkey"
    assert received.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert json.loads(received.body)["text"]["content"] == message(notice())


def test_dingtalk_receives_a_signature_of_now() -> None:
    """Which DingTalk recomputes."""
    with receiving() as receiver, telling([receiver.target("dingtalk")]) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.next()[2]
    query = {name: values[0] for name, values in parse_qs(urlsplit(receiver.received[0].path).query).items()}
    expected = hmac.new(SECRET.encode(), f"{query['timestamp']}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert query["sign"] == base64.b64encode(expected).decode()
    assert query["access_token"] == "hushtoken"
    assert abs(int(query["timestamp"]) / 1000 - time.time()) < 10


def test_feishu_receives_a_signature_of_now() -> None:
    """Which Feishu recomputes."""
    with receiving() as receiver, telling([receiver.target("feishu")]) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.next()[2]
    body = json.loads(receiver.received[0].body)
    expected = hmac.new(f"{body['timestamp']}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert body["sign"] == base64.b64encode(expected).decode()
    assert body["content"]["text"] == message(notice())


def test_a_plain_webhook_receives_the_notice_signed() -> None:
    """Over the very bytes that arrive."""
    with receiving((204, {}, b"")) as receiver, telling([receiver.target()]) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.next()[2]
    [received] = receiver.received
    signed = received.headers["X-Timestamp"].encode() + b"." + received.body
    assert received.headers["X-Signature"] == f"sha256={hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()}"
    assert received.headers["X-Notice-Id"] == "n1"
    assert json.loads(received.body)["ticket"] == 12


def test_a_failure_that_may_pass_is_tried_again_signed_anew() -> None:
    """Five hundred, four hundred and twenty-nine, then taken; an old signature would have expired meanwhile."""
    clock = iter(range(1700000000, 1700000010))
    answers: list[Answer] = [(500, {}, b""), (429, {"Retry-After": "1"}, b""), OK]
    with (
        receiving(*answers) as receiver,
        telling([receiver.target()], now=lambda: datetime.fromtimestamp(next(clock), UTC)) as (notify, verdicts),
    ):
        notify.tell(notice())
        assert verdicts.next()[2]
    stamps = [received.headers["X-Timestamp"] for received in receiver.received]
    assert stamps == ["1700000000", "1700000001", "1700000002"]
    assert len({received.headers["X-Signature"] for received in receiver.received}) == 3


def test_a_robot_that_limits_the_rate_is_tried_again() -> None:
    """It says so with status 200."""
    limited: Answer = (200, {}, b'{"errcode": 45009, "errmsg": "api freq out of limit"}')
    with receiving(limited) as receiver, telling([receiver.target("wecom")]) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.next()[2]
    assert len(receiver.received) == 2


def test_a_refusal_for_good_is_not_tried_again() -> None:
    """And the next notice is tried all the same."""
    wrong: Answer = (200, {}, b'{"errcode": 93000, "errmsg": "invalid webhook url"}')
    with receiving(wrong) as receiver, telling([receiver.target("wecom")]) as (notify, verdicts):
        notify.tell(notice("n1"))
        notify.tell(notice("n2"))
        name, _, delivered, reason = verdicts.next()
        assert (name, delivered) == ("n1", False)
        assert "机器人地址无效" in reason
        assert verdicts.next()[:3] == ("n2", "wecom[1]", True)
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (OK, True),
        ((200, {}, b'{"errcode": 93000}'), True),
        ((403, {}, b""), True),
        ((200, {}, b'{"errcode": 45009}'), False),
        ((502, {}, b""), False),
        ((200, {}, b"<html>"), False),
    ],
)
def test_whoever_keeps_the_notice_hears_whether_to_tell_it_again(answer: Answer, final: bool) -> None:
    """Not what was taken or refused; what was only tried too often."""
    with receiving(answer, answer) as receiver, telling([receiver.target("wecom")], attempts=2) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.final() is final


def test_attempts_come_to_an_end() -> None:
    """With the last reason."""
    with receiving(*[(503, {}, b"")] * 9) as receiver, telling([receiver.target()], attempts=3) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.next() == ("n1", "webhook[1]", False, "接收方返回 HTTP 503")
    assert len(receiver.received) == 3


def test_a_server_that_is_down_is_tried_again() -> None:
    """It may only be restarting."""
    with receiving() as receiver:
        target = receiver.target()
    with telling([target], attempts=2) as (notify, verdicts):
        notify.tell(notice())
        _, _, delivered, reason = verdicts.next()
    assert (delivered, reason) == (False, "发送失败（ConnectError）")


def test_the_pauses_outlast_dingtalks_penalty() -> None:
    """Ten minutes for more than twenty messages in one."""
    state: Any = type("State", (), {})()
    pauses = []
    for state.attempt_number in range(1, 6):
        pauses.append(WAIT(state))
    assert pauses == sorted(pauses)
    assert sum(pauses) > 600


def test_a_target_that_hangs_holds_up_neither_the_others_nor_the_caller() -> None:
    """Each has its own thread; the hanging one is told in the end too."""
    with receiving() as slow, receiving() as quick:
        slow.hold = threading.Event()
        with telling([slow.target(), quick.target()]) as (notify, verdicts):
            started = time.perf_counter()
            notify.tell(notice("n1"))
            notify.tell(notice("n2"))
            assert time.perf_counter() - started < 2  # of the ten that an attempt has
            assert [verdicts.next()[0] for _ in range(2)] == ["n1", "n2"]
            assert len(quick.received) == 2
            slow.hold.set()
            assert [verdicts.next()[0] for _ in range(2)] == ["n1", "n2"]


def test_a_server_that_drips_is_given_up_in_time() -> None:
    """Each byte comes in time, the whole never would."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"." * 1000:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.02)

    with receiving(drip) as receiver, telling([receiver.target()], seconds=0.2, attempts=1) as (notify, verdicts):
        started = time.perf_counter()
        notify.tell(notice())
        assert verdicts.next()[2:] == (False, "等待超时")
        assert time.perf_counter() - started < 2


def test_an_endless_answer_is_not_read_to_the_end() -> None:
    """Only its beginning matters."""

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(65536))

    with receiving(pour) as receiver, telling([receiver.target()]) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.next()[2]


NOT_PUBLIC = """
0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.0.0.8 192.168.1.1 198.18.0.1 224.0.0.1 240.0.0.1
255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 100::1 2001:0:4136:e378::1 2001:db8::1 2002:7f00:1:: 2002:c0a8:101:: 3fff::1 5f00::1 fc00::1 fd00::1
fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
"""


OWN = "127.0.0.1 10.1.2.3 192.168.1.1 100.64.0.1 ::1 fd00::1 ::ffff:10.0.0.1"
NEVER = "169.254.169.254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe fe80::1 0.0.0.0 :: 224.0.0.1 ff02::1"


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    """However an address inside is wrapped."""
    assert not is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:21f:cb07::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    """Wrapped ones too, as NAT64 is all that some networks have."""
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        *((address, True) for address in OWN.split()),
        *((address, False) for address in NEVER.split()),
    ],
)
def test_allowing_private_addresses_allows_ones_own_networks_only(address: str, allowed: bool) -> None:
    """A cloud's metadata service is nobody's chat group."""
    assert is_allowed(ipaddress.ip_address(address), private=True) is allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_refused_by_default(host: str) -> None:
    """However it is spelt, and without knocking."""
    with receiving() as receiver, telling([receiver.target(host=host)], allow_private=False) as (notify, verdicts):
        notify.tell(notice())
        _, _, delivered, reason = verdicts.next()
    assert not delivered
    assert "内部网络" in reason
    assert receiver.received == []


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    """Nobody has both for good reason."""
    with receiving() as receiver:
        network = Network(receiver)
        options = {"allow_private": False, "network": network, "resolve": lambda *_: [PUBLIC, "10.0.0.1"]}
        with telling([receiver.target(host="desk.example")], **options) as (notify, verdicts):
            notify.tell(notice())
            assert "内部网络" in verdicts.next()[3]
    assert network.called == []


def test_a_name_that_changes_its_address_leads_nowhere_else() -> None:
    """The connection goes to the address that was checked; the next attempt looks up and checks anew."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    with receiving((500, {}, b"")) as receiver:
        network = Network(receiver)
        options = {"allow_private": False, "network": network, "resolve": lambda *_: next(answers)}
        with telling([receiver.target(host="desk.example")], **options) as (notify, verdicts):
            notify.tell(notice())
            assert "内部网络" in verdicts.next()[3]
    assert network.called == [PUBLIC]
    assert [received.headers["Host"] for received in receiver.received] == [f"desk.example:{receiver.port}"]


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    """IPv6 is often announced and rarely there."""
    with receiving() as receiver:
        network = Network(receiver)
        connect = network.connect_tcp

        def half_dead(host: str, *rest: Any, **named: Any) -> httpcore.NetworkStream:
            if ":" in host:
                raise httpcore.ConnectError
            return connect(host, *rest, **named)

        network.connect_tcp = half_dead  # type: ignore[method-assign]
        options = {"allow_private": False, "network": network, "resolve": lambda *_: ["2606:2800:21f:cb07::1", PUBLIC]}
        with telling([receiver.target(host="desk.example")], **options) as (notify, verdicts):
            notify.tell(notice())
            assert verdicts.next()[2]


def test_a_redirect_is_not_followed() -> None:
    """It could lead into the network that the check keeps closed."""
    with receiving() as inside:
        moved: Answer = (307, {"Location": f"http://127.0.0.1:{inside.port}/hook"}, b"")
        with receiving(moved) as receiver, telling([receiver.target()]) as (notify, verdicts):
            notify.tell(notice())
            _, _, delivered, reason = verdicts.next()
    assert not delivered
    assert "重定向" in reason
    assert inside.received == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would look the name up again."""
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with telling([receiver.target()]) as (notify, verdicts):
            notify.tell(notice())
            assert verdicts.next()[2]
    assert (len(receiver.received), proxy.received) == (1, [])


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Not even by libraries at their most talkative, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    failures: list[Answer] = [(500, {}, b""), (404, {}, b""), (302, {"Location": "http://127.0.0.1/"}, b"")]
    reasons = []
    for kind in ("wecom", "dingtalk", "feishu", "webhook"):
        with receiving(*failures) as receiver, telling([receiver.target(kind)] * 2, attempts=2) as (notify, verdicts):
            for name in ("n1", "n2", "n3"):
                notify.tell(notice(name))
            reasons += [verdicts.next()[3] for _ in range(6)]
        with telling([receiver.target(kind)], attempts=2) as (notify, verdicts):
            notify.tell(notice())
            reasons.append(verdicts.next()[3])
    assert "dingtalk[1]" in caplog.text
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    signed = [hashlib.sha256(b"").hexdigest()[:8], "sign=", "sha256="]
    for secret in ("hush", SECRET, "/hook/", "/send", "账号被锁定", *signed):
        assert secret not in caplog.text + "".join(reasons)


def test_an_error_nobody_foresaw_is_told_by_its_type_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Its text might hold the URL; the next notice is sent all the same."""
    failing = iter([ValueError("http://hush.example/")])

    def now() -> datetime:
        for error in failing:
            raise error
        return datetime.now(UTC)

    with receiving() as receiver, telling([receiver.target()], now=now) as (notify, verdicts):
        notify.tell(notice("n1"))
        notify.tell(notice("n2"))
        assert verdicts.next()[2:] == (False, "发送失败（ValueError）")
        assert verdicts.next()[:3] == ("n2", "webhook[1]", True)
    assert "hush" not in caplog.text


def test_an_outcome_that_cannot_be_noted_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The database may be away for a moment; the log says so."""
    told = queue.Queue[str]()

    def outcome(notice: Notice, _target: Target, _outcome: Outcome) -> None:
        told.put(notice.id)
        raise RuntimeError

    with receiving() as receiver, telling([receiver.target()], outcome=outcome) as (notify, _):
        notify.tell(notice("n1"))
        notify.tell(notice("n2"))
        assert [told.get(timeout=5), told.get(timeout=5)] == ["n1", "n2"]
    assert "结果无法记录" in caplog.text


def test_a_full_queue_drops_the_oldest_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """What is new is what staff need; whoever told the old one has kept it."""
    with receiving() as receiver:
        receiver.hold = threading.Event()
        with telling([receiver.target()], capacity=2) as (notify, verdicts):
            notify.tell(notice("under way"))
            while not receiver.received:
                time.sleep(0.005)
            for name in ("n1", "n2", "n3", "n4"):
                notify.tell(notice(name))
            receiver.hold.set()
            assert [verdicts.next()[0] for _ in range(3)] == ["under way", "n3", "n4"]
            assert verdicts.none()
    assert [record.getMessage()[-3:-1] for record in caplog.records if "放弃" in record.msg] == ["n1", "n2"]


def test_closing_ends_a_pause_at_once_and_leaves_the_rest() -> None:
    """No verdict is given, so whoever kept the notices tells them again after the restart."""
    with receiving((500, {}, b"")) as receiver:
        with telling([receiver.target()], wait=wait_fixed(600)) as (notify, verdicts):
            notify.tell(notice("n1"))
            notify.tell(notice("n2"))
            while not receiver.received:
                time.sleep(0.005)
            time.sleep(0.05)  # into the pause
            started = time.perf_counter()
            notify.close(5)
            assert time.perf_counter() - started < 4  # of the five that it has
            assert verdicts.none()
        assert len(receiver.received) == 1
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("notify ")]


def test_closing_waits_no_longer_than_told() -> None:
    """An attempt that hangs is left behind; its thread does not keep the process alive."""
    with receiving() as receiver:
        receiver.hold = threading.Event()
        with telling([receiver.target()]) as (notify, _):
            notify.tell(notice())
            while not receiver.received:
                time.sleep(0.005)
            started = time.perf_counter()
            notify.close(0.05)
            assert time.perf_counter() - started < 4
            notify.tell(notice())  # too late, and yet no error
            receiver.hold.set()


def test_without_targets_nothing_happens() -> None:
    """Nobody is to be told."""
    with telling([]) as (notify, verdicts):
        notify.tell(notice())
        assert verdicts.none()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for desk.example, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=desk.example"]
    command += ["-addext", "subjectAltName=DNS:desk.example"]
    subprocess.run(command, check=True, capture_output=True)
    return made, key


@pytest.mark.parametrize(("host", "reason"), [("desk.example", ""), ("other.example", "证书未通过验证")])
def test_the_certificate_must_be_the_names_not_the_addresss(
    host: str, reason: str, certificate: tuple[Path, Path]
) -> None:
    """Though the connection goes to an address."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    client = ssl.create_default_context(cafile=str(certificate[0]))
    with receiving(tls=server) as receiver:
        [target] = parse_targets(f"webhook:https://{host}:{receiver.port}/#{SECRET}")
        with telling([target], tls=client, resolve=lambda *_: ["127.0.0.1"]) as (notify, verdicts):
            notify.tell(notice())
            assert verdicts.next()[2:] == (not reason, reason)
    assert len(receiver.received) == (0 if reason else 1)


def test_a_certificate_nobody_vouches_for_is_refused(certificate: tuple[Path, Path]) -> None:
    """As is the default."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    with receiving(tls=server) as receiver:
        [target] = parse_targets(f"webhook:https://desk.example:{receiver.port}/#{SECRET}")
        with telling([target], resolve=lambda *_: ["127.0.0.1"]) as (notify, verdicts):
            notify.tell(notice())
            assert verdicts.next()[2:] == (False, "证书未通过验证")
            notify.tell(notice())
            assert not verdicts.final()  # it may be renewed
