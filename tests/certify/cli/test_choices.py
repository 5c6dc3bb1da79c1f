"""Words on the command line are those of the use cases, which a help text does not load."""

from __future__ import annotations

from certify.certificates.keys import Algorithm
from certify.cli import choices
from certify.decision.review import Decision
from certify.domain.four_eyes import Action, ActionReason
from certify.domain.states import AuditOutcome, RulingAuditOutcome
from certify.doorstep.planning import RECHECKED, WORKDAYS
from certify.issuers.tokens import OWN_ROLES, Role
from certify.storage.signing import Purpose
from certify.texts import LANGUAGES


def test_each_choice_is_one_of_the_use_case_and_none_is_missing() -> None:
    for words, meant in (
        (choices.Ruling, Decision),
        (choices.AuditOutcome, AuditOutcome),
        (choices.ProposedAction, Action),
        (choices.ProposedReason, ActionReason),
        (choices.RulingAuditOutcome, RulingAuditOutcome),
        (choices.KeyPurpose, Purpose),
        (choices.KeyAlgorithm, Algorithm),
    ):
        assert {word.name: word.value for word in words} == {word.name: word.value for word in meant}
    assert {role.value for role in choices.TokenRole} == {role.value for role in set(Role) - OWN_ROLES}
    assert tuple(choices.Language) == LANGUAGES


def test_what_is_usual_is_what_the_use_case_has() -> None:
    assert choices.RECHECK_SHARE == RECHECKED
    assert {choices.WEEK.index(day) for day in choices.WORKDAYS.split()} == WORKDAYS
