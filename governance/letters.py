"""Letters to people: written from templates (zh and en in one letter) into the outbox, in the caller's transaction.

Templates are data in catalog_config/reply_templates: `<name>.yaml` with `subject` and `body`, each zh and en.
"""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import sqlalchemy as sa
import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, ValidationError

from governance.database.decision_tables import accounts
from governance.outbox import enqueue
from schemas.actor import Actor
from schemas.errors import ConfigurationError
from schemas.text import LANGUAGES, Text
from schemas.yaml_text import read_yaml

_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


class LetterTemplate(BaseModel):
    """One kind of letter. subject and body: Jinja, rendered in a sandbox; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Text
    body: Text


@cache
def letter_templates() -> dict[str, LetterTemplate]:
    """All templates by name. Raises ConfigurationError that names every file that is wrong."""
    templates, errors = dict[str, LetterTemplate](), []
    for path in sorted((files("catalog_config") / "reply_templates").iterdir(), key=lambda p: p.name):
        if not path.name.endswith(".yaml"):
            continue
        try:
            template = LetterTemplate.model_validate(read_yaml(path.read_text("utf-8")))
            for text in (template.subject, template.body):
                for language in LANGUAGES:
                    _environment.parse(text.to(language))
            templates[path.name.removesuffix(".yaml")] = template
        except (ValidationError, yaml.YAMLError, TemplateError) as error:
            errors.append(f"{path.name}: {error}")
    if errors:
        listed = "\n".join(errors)
        raise ConfigurationError(
            "invalid-letter-template",
            Text(zh=f"信函模板有误：\n{listed}", en=f"wrong:\n{listed}"),
            Text(
                zh="请改正 catalog_config/reply_templates 中的模板",
                en="correct the templates in catalog_config/reply_templates",
            ),
        )
    return templates


def render_letter(name: str, values: dict[str, Any]) -> tuple[str, str]:
    """(subject, body) of the letter `name`, Chinese first, then English. values: what the template names.

    A value may be a `Text`; each language gets its own. Raises ConfigurationError.
    """
    template = letter_templates().get(name)
    if template is None:
        raise ConfigurationError(
            "unknown-letter",
            Text(zh=f"没有信函模板 {name}", en=f"no letter template {name}"),
            Text(zh="模板列在 catalog_config/reply_templates", en="templates stand in catalog_config/reply_templates"),
        )
    subjects, bodies = [], []
    for language in LANGUAGES:
        given = {k: v.to(language) if isinstance(v, Text) else v for k, v in values.items()}
        try:
            subjects.append(_environment.from_string(template.subject.to(language)).render(given))
            bodies.append(_environment.from_string(template.body.to(language)).render(given).strip())
        except TemplateError as error:
            wrong = f"{name}: {error}"
            raise ConfigurationError(
                "invalid-letter-template",
                Text(zh=f"信函模板有误：{wrong}", en=f"a letter template is wrong: {wrong}"),
                Text(
                    zh="请改正 catalog_config/reply_templates 中的模板",
                    en="correct the templates in catalog_config/reply_templates",
                ),
            ) from None
    return " ".join(" / ".join(subjects).split()), "\n\n————\n\n".join(bodies) + "\n"


def queue_letter(
    connection: sa.Connection,
    name: str,
    *,
    key: str,
    to: str,
    values: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    """Queue a letter once per `key`. to: account; the letter goes to its mail address, or is filed under its name."""
    subject, body = render_letter(name, values)
    address = connection.execute(sa.select(accounts.c.email).where(accounts.c.id == to)).scalar() or to
    payload = {"template": name, "account": to, "to": address, "subject": subject, "body": body}
    enqueue(connection, "letter", f"letter:{key}", payload, actor.id, now)
