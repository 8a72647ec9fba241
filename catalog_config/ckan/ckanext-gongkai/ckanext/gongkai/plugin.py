"""CKAN 2.12 plugin: titles and descriptions read in Chinese first, and the platform's facets.

ckanext-fluent picks the language of `title` by CKAN's locale (`zh_Hans_CN`), which our texts, keyed `zh` and `en`, do
not have; it would fall back to English.
"""

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk


class GongkaiPlugin(p.SingletonPlugin):
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.IFacets, inherit=True)

    def after_dataset_show(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        for field in ("title", "notes"):
            translated = pkg_dict.get(f"{field}_translated")
            if isinstance(translated, dict) and translated.get("zh"):
                pkg_dict[field] = translated["zh"]

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        for field in ("title_translated", "notes_translated", "legal_basis", "access_conditions"):
            pkg_dict.pop(field, None)
        return pkg_dict

    def dataset_facets(self, facets_dict: Any, package_type: str) -> Any:
        facets_dict["openness"] = tk._("Openness")
        facets_dict["update_frequency"] = tk._("Update frequency")
        return facets_dict
