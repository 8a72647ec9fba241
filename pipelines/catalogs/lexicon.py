"""The search lexicon: what people type → the words that datasets are written in. Data: `search_lexicon.yaml`."""

from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.catalogs.analysis import fold, stem
from schemas.errors import ConfigurationError
from schemas.text import Text
from schemas.yaml_text import read_yaml

SHIPPED = Path(__file__).resolve().parents[2] / "catalog_config" / "search_lexicon.yaml"
LONGEST_PHRASE = 3  # English words
LEAST_LIKENESS = 0.75  # for a misspelt English word; below it, it stays as typed


class Lexicon(BaseModel):
    """synonyms: folded Chinese word → official words. english: stemmed words of a phrase → Chinese words."""

    model_config = ConfigDict(frozen=True)

    synonyms: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    english: dict[tuple[str, ...], tuple[str, ...]] = Field(default_factory=dict)
    english_words: dict[str, str] = Field(default_factory=dict)  # as written → stemmed

    def correct(self, word: str) -> str:
        """A misspelt English word as the lexicon writes it, else unchanged."""
        if len(word) < 5 or word in self.english_words:
            return word
        alike = get_close_matches(word, self.english_words, n=1, cutoff=LEAST_LIKENESS)
        return alike[0] if alike else word

    def official_words(self, run: str) -> list[tuple[str, ...]]:
        """Official words for every synonym that a Chinese run holds; a longer one hides those inside it."""
        held = [word for word in self.synonyms if word in run]
        return [self.synonyms[word] for word in held if not any(word != other and word in other for other in held)]

    def chinese_words(self, words: list[str]) -> list[tuple[str, ...]]:
        """Chinese words for the English phrases among `words` (stemmed), longest phrases first, none used twice."""
        found, position = [], 0
        while position < len(words):
            for length in range(LONGEST_PHRASE, 0, -1):
                phrase = tuple(words[position : position + length])
                if len(phrase) == length and phrase in self.english:
                    found.append(self.english[phrase])
                    position += length - 1
                    break
            position += 1
        return found


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    synonyms: dict[str, list[str]]
    english: dict[str, list[str]]


@cache
def load_lexicon(path: Path = SHIPPED) -> Lexicon:
    """Read and check a lexicon. Raises ConfigurationError naming the file and every error."""
    try:
        given = _File.model_validate(read_yaml(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(
            "invalid-configuration",
            Text(zh=f"搜索词表有误：{path.name}：{error}", en=f"the search lexicon is wrong: {path.name}: {error}"),
            Text(zh="请改正后重新启动", en="correct it and start again"),
        ) from None
    phrases = {phrase: phrase.replace("-", " ").split() for phrase in given.english}
    return Lexicon(
        synonyms={fold(word): tuple(map(fold, official)) for word, official in given.synonyms.items()},
        english={tuple(map(stem, phrases[p])): tuple(map(fold, chinese)) for p, chinese in given.english.items()},
        english_words={word: stem(word) for words in phrases.values() for word in words},
    )
