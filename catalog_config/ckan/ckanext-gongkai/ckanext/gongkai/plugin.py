"""CKAN 2.12 plugin: texts in Chinese and English, and the platform's facets.

A text in two languages is `{"zh": …, "en": …}`, kept as JSON. CKAN's `h.get_translated` reads `title_translated` and
`notes_translated` of that form by itself: the locale `zh_Hans_CN` falls back to `zh`. (ckanext-fluent would do the
same, but its release on the package index is for Python 2.)
"""

import json
from collections.abc import Callable
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk

LANGUAGES = ("zh", "en")
TEXTS_IN_TWO_LANGUAGES = ("title_translated", "notes_translated", "legal_basis", "access_conditions")


class GongkaiPlugin(p.SingletonPlugin):
    p.implements(p.IConfigurer)
    p.implements(p.IValidators)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.IFacets, inherit=True)

    def update_config(self, config: Any) -> None:
        tk.add_template_directory(config, "templates")

    def get_validators(self) -> dict[str, Callable[..., Any]]:
        return {"bilingual_text": bilingual_text}

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        """Both languages can be searched: Solr's `extras_*` are texts and go into its field `text`."""
        for field in TEXTS_IN_TWO_LANGUAGES:
            text = pkg_dict.pop(field, None)
            if text:
                read = json.loads(text) if isinstance(text, str) else text
                pkg_dict[f"extras_{field}"] = " ".join(read.values())
        return pkg_dict

    def dataset_facets(self, facets_dict: Any, package_type: str) -> Any:
        facets_dict["openness"] = tk._("Openness")
        facets_dict["update_frequency"] = tk._("Update frequency")
        return facets_dict


def bilingual_text(value: Any) -> str:
    """`{"zh": …, "en": …}`, also as JSON, to the JSON that is stored. Raises Invalid."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise tk.Invalid(tk._("Failed to decode JSON string")) from None
    if not isinstance(value, dict):
        raise tk.Invalid(tk._("expecting JSON object"))
    for language, text in value.items():
        if language not in LANGUAGES:
            raise tk.Invalid(tk._('invalid language code: "%s"') % language)
        if not isinstance(text, str):
            raise tk.Invalid(tk._('invalid type for "%s" value') % language)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
