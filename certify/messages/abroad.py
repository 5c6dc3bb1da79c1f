"""Say in a letter how a person who lives abroad proves life there: before which institution, on which paper."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

from babel import Locale

from certify.domain.entitlement_rules import AbroadRule
from certify.domain.terms import read_terms
from certify.service import Unit
from certify.storage.people import entitlements_of
from certify.texts import Language, catalogue

_ORDER = ("consulate", "notary", "bank", "post", "doctor")


def rules_abroad(unit: Unit, beneficiary_id: UUID) -> tuple[str, AbroadRule] | None:
    """Return the country where a person lives and what proves life there; None if no policy of theirs has rules for it.

    If several pensions have rules, the letter tells what all of them accept; a form language of the first one is kept.

    Args:
        unit: the transaction to read in.
        beneficiary_id: the person.
    """
    found: tuple[str, AbroadRule] | None = None
    for pension in entitlements_of(unit.db, beneficiary_id):
        country = read_terms(pension.terms).residence
        rule = unit.service.policy(pension.scheme).policy.entitlement.abroad.get(country)
        if rule is None:
            continue
        if found is None:
            found = (country, rule)
        elif found[0] == country:
            both = found[1]
            found = (
                country,
                AbroadRule(
                    both.accepts & rule.accepts,
                    min(both.validity_months, rule.validity_months),
                    both.apostille or rule.apostille,
                    tuple(one for one in both.languages if one in rule.languages) or both.languages,
                    both.justification,
                ),
            )
    return found


def language_abroad(rule: AbroadRule) -> str | None:
    """Return the first language of the accepted forms in which letters can be written; None if there is none."""
    return next((language for language in rule.languages if language in get_args(Language)), None)


def paragraph_abroad(country: str, rule: AbroadRule, language: str) -> str:
    """Return the paragraph of a letter about proving life in a country.

    Args:
        country: two capital letters.
        rule: what the policy accepts from there.
        language: of the letter.
    """
    words, locale = catalogue(language), Locale.parse(language.replace("-", "_"))
    separator = "、" if language.startswith("zh") else "، " if language == "ar" else ", "
    institutions = separator.join(words.common[f"abroad_{name}"] for name in _ORDER if name in rule.accepts)
    languages = separator.join(_language_name(one, locale) for one in rule.languages)
    name = locale.territories.get(country, country)
    text = words.common["abroad"].format(country=name, institutions=institutions, languages=languages)
    return f"{text} {words.common['abroad_apostille']}" if rule.apostille else text


def _language_name(code: str, locale: Locale) -> str:
    return str(Locale.parse(code.replace("-", "_")).get_display_name(locale) or code)
