"""Presidio, the reference: its recognisers made from our specifications, and texts analysed by its engine.

The only module that imports Presidio, which brings spaCy and takes seconds and memory: import it where it is asked
for. The column path does not need it and finds the same; a test holds them equal.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import rjieba
from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine, NoOpNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CryptoRecognizer,
    MedicalLicenseRecognizer,
    PhoneRecognizer,
    SpacyRecognizer,
    UrlRecognizer,
    UsBankRecognizer,
    UsItinRecognizer,
    UsLicenseRecognizer,
    UsPassportRecognizer,
)

from anonymize.intervals import Intervals
from anonymize.recognizers.registry import BY_ENTITY, SPECIFICATIONS
from anonymize.recognizers.specification import (
    CONFIDENT,
    CONTEXT_BOOST,
    Specification,
    compact,
    has_context,
    has_han,
    normalise,
    without_invisible,
)
from anonymize.spans import NameTagger, Span, in_raw_text

NAMES = ("PERSON", "LOCATION", "ORGANIZATION")
# Presidio's own for English texts, beside ours; those of ours that it has too (cards, e-mail, IP, IBAN, SSN)
# come from our specifications, whose boundaries hold beside Han characters.
ENGLISH: tuple[type[Any], ...] = (
    CryptoRecognizer,
    MedicalLicenseRecognizer,
    PhoneRecognizer,
    UrlRecognizer,
    UsBankRecognizer,
    UsItinRecognizer,
    UsLicenseRecognizer,
    UsPassportRecognizer,
)
_ORDER = {entity: place for place, entity in enumerate(BY_ENTITY)}


class SpecifiedRecognizer(PatternRecognizer):
    """Presidio's recogniser of one specification. Texts must be normalised."""

    def __init__(self, specification: Specification, language: str):
        self.specification = specification
        super().__init__(
            supported_entity=specification.entity,
            name=f"Gongkai{specification.entity}",
            supported_language=language,
            patterns=[Pattern(p.name, p.regex, p.score) for p in specification.patterns],
            context=[],
            global_regex_flags=0,
        )

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None, regex_flags: Any = None) -> Any:
        """Matches, save in Han texts where the specification is for Latin ones."""
        if self.specification.latin_only and has_han(text):
            return []
        return super().analyze(text, entities, nlp_artifacts, regex_flags)

    def validate_result(self, pattern_text: str) -> bool | None:
        """True: checksum holds. False: no match. None: the pattern's score stands."""
        holds = self.specification.valid
        if holds is None:
            return None
        verified = holds(self._compacted(pattern_text))
        return True if verified else (False if self.specification.checksum_decides else None)

    def invalidate_result(self, pattern_text: str) -> bool | None:
        """True: not plausible, hence no match."""
        plausible = self.specification.plausible
        return None if plausible is None else not plausible(self._compacted(pattern_text))

    def enhance_using_context(
        self,
        text: str,
        raw_recognizer_results: list[RecognizerResult],
        other_raw_recognizer_results: list[RecognizerResult],
        nlp_artifacts: Any,
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """Raise the score of unverified matches after a context word; Presidio's enhancer needs lemmas."""
        for result in raw_recognizer_results:
            explanation = result.analysis_explanation
            verified = explanation is not None and explanation.validation_result
            if not verified and has_context(text, result.start, self.specification.context):
                result.score = min(1.0, result.score + CONTEXT_BOOST)
        return raw_recognizer_results

    def _compacted(self, match: str) -> str:
        return compact(match) if self.specification.compact else match


class NamesNlpEngine(NlpEngine):
    """Presidio's plug for a model that tags names. tag: texts → (start, end, entity) of each."""

    engine_name = "names"
    is_available = True

    def __init__(self, tag: NameTagger, language: str):
        self.tag, self.language = tag, language

    def load(self) -> None:
        """The model is loaded by whoever made it."""

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Entities of one text."""
        return self._artifacts(text, self.tag([text])[0], language)

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 64, n_process: int = 1, **_: Any
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """Entities of many texts."""
        listed = [str(t) for t in texts]
        for text, spans in zip(listed, self.tag(listed), strict=True):
            yield text, self._artifacts(text, spans, language)

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return not any(c.isalnum() for c in word)

    def get_supported_entities(self) -> list[str]:
        return list(NAMES)

    def get_supported_languages(self) -> list[str]:
        return [self.language]

    def _artifacts(self, text: str, spans: Sequence[tuple[int, int, str]], language: str) -> NlpArtifacts:
        words: list[Any] = []
        at = 0
        for word in rjieba.cut(text):
            words.append(SimpleNamespace(text=word, idx=at, lemma_=word, i=len(words)))
            at += len(word)
        tokens: Any = words  # Presidio asks for spaCy's, and uses text, index and lemma alone
        entities: list[Any] = [SimpleNamespace(text=text[a:b], label_=e, start_char=a, end_char=b) for a, b, e in spans]
        return NlpArtifacts(entities, tokens, [w.idx for w in words], [w.text for w in words], self, language)


def recognizers_of(
    language: str, specifications: Sequence[Specification] = SPECIFICATIONS
) -> list[SpecifiedRecognizer]:
    """Presidio recognisers of the specifications."""
    return [SpecifiedRecognizer(s, language) for s in specifications]


def build_analyzer(
    language: str, names: NameTagger | None = None, specifications: Sequence[Specification] = SPECIFICATIONS
) -> AnalyzerEngine:
    """Presidio's engine with our recognisers; for `en`, with Presidio's own too; with `names`, persons and places."""
    registry = RecognizerRegistry(supported_languages=[language])
    for recognizer in recognizers_of(language, specifications):
        registry.add_recognizer(recognizer)
    for own in ENGLISH if language == "en" else ():
        registry.add_recognizer(own(supported_language="en"))
    engine: NlpEngine
    if names is None:
        engine = NoOpNlpEngine(models=[{"lang_code": language, "model_name": "none"}])
        engine.load()
    else:
        engine = NamesNlpEngine(names, language)
        registry.add_recognizer(SpacyRecognizer(supported_language=language, supported_entities=list(NAMES)))
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])


@cache
def _analyzer(language: str) -> AnalyzerEngine:
    return build_analyzer(language)


def analyze_text(
    text: str, language: str, *, analyzer: AnalyzerEngine | None = None, threshold: float = CONFIDENT
) -> list[Span]:
    """Spans of personal data in one text as Presidio finds them, overlaps resolved, ordered.

    language: `zh` or `en`. Offsets are those of the raw text. analyzer: one of `build_analyzer`, for a model of names.
    """
    seen, kept = without_invisible(text)
    results = (analyzer or _analyzer(language)).analyze(normalise(seen), language, score_threshold=threshold)
    return in_raw_text(resolve(Span(r.start, r.end, r.entity_type, r.score) for r in results), kept)


def resolve(spans: Iterable[Span]) -> list[Span]:
    """Of overlapping spans, the one of higher score, then the longer, then the earlier specification."""
    taken = Intervals()
    order = sorted(spans, key=lambda s: (-s.score, s.start - s.end, _ORDER.get(s.entity, len(_ORDER)), s.start))
    return sorted(span for span in order if taken.take(span.start, span.end))
