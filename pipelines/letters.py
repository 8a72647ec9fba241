"""Letters leave the outbox: as a file in the home folder, and by SMTP where it is configured."""

import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import unquote, urlsplit

from catalog_config.settings import Settings
from pipelines.home import Home
from schemas.errors import DependencyFailed
from schemas.text import Text
from schemas.whole_file import whole_file


def send_letter(settings: Settings, home: Home, task_id: int, payload: dict[str, Any]) -> None:
    """Deliver one letter (`to`, `subject`, `body`). The file is named after the task: twice is once."""
    message = _message(settings, task_id, payload)
    _write_file(home, task_id, message)
    if settings.smtp_url:
        _send(settings.smtp_url, message)


def _message(settings: Settings, task_id: int, payload: dict[str, Any]) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.mail_from
    message["To"] = payload["to"]
    message["Subject"] = payload["subject"]
    message["Message-ID"] = f"<gongkai-{task_id}@{urlsplit(settings.site_url).hostname}>"
    message.set_content(payload["body"])
    return message


def _write_file(home: Home, task_id: int, message: EmailMessage) -> None:
    with whole_file(home / "outbox" / f"{task_id:08d}.eml") as unfinished:
        unfinished.write_bytes(message.as_bytes())


def _send(url: str, message: EmailMessage) -> None:
    """url: smtp://[user:password@]host[:port] (STARTTLS where offered) or smtps://…"""
    parts = urlsplit(url)
    secure = parts.scheme == "smtps"
    kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
    try:
        with kind(parts.hostname or "localhost", parts.port or (465 if secure else 25), timeout=30) as server:
            if not secure and server.has_extn("starttls"):
                server.starttls()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise DependencyFailed(
            "mail-failed",
            Text(zh="邮件服务器没有接受这封信", en="the mail server did not take the letter"),
            Text(zh="请检查 GONGKAI_SMTP_URL，稍后自动重试", en="check GONGKAI_SMTP_URL; it is tried again"),
        ) from error
