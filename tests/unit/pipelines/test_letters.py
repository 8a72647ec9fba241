import email
import email.policy
import socket
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import Envelope

from catalog_config.settings import Settings
from pipelines.home import open_home
from pipelines.letters import send_letter
from schemas.errors import DependencyFailed

LETTER = {"to": "wang@example.invalid", "subject": "申请已受理 / accepted", "body": "您好\n"}


class Mailbox(Sink):
    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 OK"


def test_a_letter_is_filed_once_however_often_it_is_sent(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    send_letter(Settings(), home, 7, LETTER)
    send_letter(Settings(), home, 7, LETTER)
    [path] = (tmp_path / "outbox").iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert message["Subject"] == LETTER["subject"]
    assert message.get_content().splitlines() == LETTER["body"].splitlines()


def test_a_letter_goes_through_a_mail_server(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        send_letter(Settings(smtp_url=f"smtp://127.0.0.1:{port}"), open_home(tmp_path), 1, LETTER)
    finally:
        controller.stop()
    [envelope] = mailbox.envelopes
    assert envelope.rcpt_tos == [LETTER["to"]]


def test_a_mail_server_that_is_down_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(DependencyFailed, match="mail-failed"):
        send_letter(Settings(smtp_url="smtp://127.0.0.1:9"), open_home(tmp_path), 1, LETTER)


def test_a_header_cannot_be_smuggled_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed|carriage"):
        send_letter(Settings(), open_home(tmp_path), 1, {**LETTER, "subject": "a\r\nBcc: everyone@example.invalid"})
