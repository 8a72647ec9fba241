"""Text in both languages of the platform."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Text(BaseModel):
    """One text in Chinese and English. A plain string stands for both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str
    en: str

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        return {"zh": value, "en": value} if isinstance(value, str) else value

    def to(self, language: str) -> str:
        """The text in `language` (`zh` or `en`)."""
        return self.zh if language == "zh" else self.en
