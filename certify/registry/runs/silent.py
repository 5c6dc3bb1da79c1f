"""Silent certification of many people at once: ``decide`` for the simple case, as SQL.

A person is a simple case with only signs of life and older captures: no adverse record, no void, no ruling, no open
case, nothing dated in the future, no recent attempt, no end or review that a date brings, and no capture that is valid
for less or that needs signs of life to prove. Their determination is arithmetic, and the result here is exactly that of
``certify.domain.decide`` (tests/certify/registry/runs/test_silent.py compares the two on random evidence). All other
people are left to ``decide``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

import duckdb
import pyarrow as pa

from certify.domain.channels import Channel
from certify.domain.policy import Policy
from certify.domain.schedule import local_date
from certify.domain.sign_sums import sign_weight
from certify.domain.terms import BINDING

EVIDENCE = MappingProxyType(
    {
        "id": pa.string(),
        "person": pa.string(),
        "kind": pa.string(),
        "source": pa.string(),
        "event_at": pa.timestamp("us", "UTC"),
        "act": pa.string(),
        "trust": pa.float64(),
    }
)
"""Columns of the table ``evidence``: all facts of the people of a chunk."""

PENSIONS = MappingProxyType(
    {
        "id": pa.string(),
        "person": pa.string(),
        "scheme": pa.string(),
        "starts_on": pa.date32(),
        "birth_date": pa.date32(),
        "last_proof_on": pa.date32(),
        "standing": pa.string(),
        "payment": pa.string(),
        "proven_on": pa.date32(),
        "questions": pa.bool_(),
        "stopped_on": pa.date32(),
        "back_pay_from": pa.date32(),
        "first_due_on": pa.date32(),
        "terms": pa.string(),
    }
)
"""Columns of the table ``pensions``: all pensions of the people, and whether the person has an open case."""


@dataclass(frozen=True, slots=True)
class SilentDecisions:
    """The result for a chunk.

    Attributes:
        passes: pensions with a new proof, with the columns of ``silent_passes`` except id and run, and the columns that
            change in ``entitlements``.
        hard: ids of the people whom ``decide`` must handle one by one.
    """

    passes: pa.Table
    hard: list[str]


def find_passes(
    database: duckdb.DuckDBPyConnection, policies: Iterable[Policy], now: datetime, changed: pa.Table
) -> SilentDecisions:
    """Decide the simple cases among the people of the tables ``evidence`` and ``pensions``.

    Args:
        database: has both tables.
        policies: the policies of all schemes that occur.
        now: the instant of the decision, which becomes a date in the time zone of each scheme.
        changed: one column ``person``: the people with new facts. No other people are decided.

    Returns:
        The new passes, and the people who are no simple case.
    """
    rules = list(policies)
    database.register("changed_people", changed)
    _sort_people(database, rules, now)
    parts = [
        _scheme_sql(database, number, policy, local_date(now, policy.timezone)) for number, policy in enumerate(rules)
    ]
    database.execute(f"create or replace temp table proven as {' union all by name '.join(parts)}")
    # All pensions of a person are decided together: if one is not a simple case, none is.
    hard = database.sql(
        """select person from hard_people union select person from proven where not plain order by 1"""
    ).fetchall()
    passes = database.sql(
        """select * exclude (plain) from proven where person not in (select person from hard_people)
        and person not in (select person from proven where not plain) order by person, scheme"""
    ).to_arrow_table()
    database.unregister("changed_people")
    return SilentDecisions(passes, [person for (person,) in hard])


def _sort_people(database: duckdb.DuckDBPyConnection, rules: list[Policy], now: datetime) -> None:
    """Make ``hard_people``: people who are no simple case under any scheme."""
    zones = {policy.timezone: local_date(now, policy.timezone) for policy in rules}
    attempts = max((rule.attempt_window_days for policy in rules for rule in policy.capture.values()), default=0)
    # Only as long as a proof of theirs can be valid: after that, any proof that counts today is later.
    longest = 31 * max((policy.validity_months for policy in rules), default=0) + 1
    doubtful = ["kind not in ('sign_of_life', 'capture', 'capture_apart')"]
    for zone, today in zones.items():
        day = f"cast(timezone('{zone}', event_at) as date)"
        doubtful.append(f"{day} > date '{today.isoformat()}'")
        doubtful.append(f"(kind = 'capture' and {day} >= date '{today.isoformat()}' - {attempts})")
        doubtful.append(f"(kind = 'capture_apart' and {day} >= date '{today.isoformat()}' - {longest})")
    # Where a date or a term can end the pension or ask for a review, `decide` decides.
    schemes = ", ".join(f"'{policy.scheme}'" for policy in rules if not policy.entitlement.by_date)
    binding = " or ".join(f"contains(terms, '\"{name}\"')" for name in BINDING)
    first = min(zones.values(), default=now.date())
    database.execute(
        f"""create or replace temp table hard_people as
        select distinct person from (
            select person from evidence where {" or ".join(doubtful)}
            union all
            select person from pensions where questions or payment <> 'continue' or standing in ('paused', 'stopped')
                or last_proof_on > date '{first.isoformat()}' or scheme not in ({schemes or "''"}) or {binding}
        ) where person in (select person from changed_people)"""
    )


def _scheme_sql(database: duckdb.DuckDBPyConnection, number: int, policy: Policy, as_of: date) -> str:
    """Return the query of the pensions of one scheme for which signs of life prove a later date than before."""
    _weights(database, f"weights_{number}", policy)
    today = f"date '{as_of.isoformat()}'"
    months, window = policy.validity_months, policy.window_days
    order = "day desc, act desc, source desc, weight desc, id desc"
    ages = {band.from_age for band in policy.bands} | (set() if policy.min_age is None else {policy.min_age})
    birthdays = [f"cast(birth_date + interval {12 * age} month as date)" for age in sorted(ages)]
    changes = ["window_from", "due_on + 1", f"valid_until - {window}", "valid_until + 1"]
    changes += [day + more for day in birthdays for more in ("", " + 1")]
    future = ", ".join(f"case when {day} > {today} then {day} end" for day in changes)
    old_enough = f"{_age('birth_date', today)} >= {policy.min_age}" if policy.min_age is not None else "true"
    return f"""
        select person, id as entitlement_id, scheme, {today} as as_of, starts_on, birth_date, last_proof_on,
            standing as standing_before, day as proven_on, valid_until, facts as evidence, due_on,
            case when {today} >= valid_until - {window} then 'renew' else 'nothing' end as next_step,
            least({future}) as next_change_on,
            stopped_on, back_pay_from, first_due_on, terms,
            coalesce({today} <= valid_until and {old_enough}, false) as plain
        from (
            select *, greatest(valid_until, cast(starts_on + interval {months} month as date), first_due_on) as due_on,
                due_on - {window} as window_from
            from (
                select pensions.*, day, cast(day + interval {months} month as date) as valid_until
                from pensions join (
                    select pension, max(day) as day from (
                        select *, sum(gain) over running as weights, sum(body) over running as bodies
                        from (
                            select pension, day, act, source, id, weight,
                                kept - coalesce(lag(kept) over act_so_far, 0) as gain,
                                case when row_number() over act_so_far <= max_count then body else 0 end as body
                            from (
                                select *, list_sum(list_slice(list_reverse_sort(list(weight) over (
                                    partition by pension, act order by {order} rows unbounded preceding
                                )), 1, max_count)) as kept
                                from (
                                    select pension_id as pension, day, act, source, signs.id, weight, body, max_count
                                    from (
                                        select p.id as pension_id, p.birth_date, e.id, e.act, e.source, e.trust,
                                            cast(timezone('{policy.timezone}', e.event_at) as date) as day
                                        from pensions p join evidence e on e.person = p.person
                                        where p.scheme = '{policy.scheme}' and e.kind = 'sign_of_life'
                                            and p.person in (select person from changed_people)
                                    ) signs join weights_{number} using (act, trust)
                                    where {_accepted(policy)}
                                    qualify row_number() over (partition by pension_id, act, source, day
                                        order by weight desc, signs.id desc) = 1
                                )
                            )
                            window act_so_far as (partition by pension, act order by {order})
                        )
                        window running as (partition by pension order by {order} rows unbounded preceding)
                    ) where weights >= {sign_weight(policy.silent.threshold, 1)}
                        and bodies >= {policy.silent.min_body_present}
                    group by pension
                ) best on best.pension = pensions.id
                where pensions.proven_on is null or day > pensions.proven_on
            )
        ) left join (
            select person, '{{' || string_agg(id, ',' order by id) || '}}' as facts from evidence group by person
        ) known using (person)"""


def _weights(database: duckdb.DuckDBPyConnection, table: str, policy: Policy) -> None:
    """Make the table of weights by act and trust. Python multiplies them, so that they are rounded as in ``decide``."""
    trusts = [
        trust for (trust,) in database.execute("select distinct trust from evidence where trust is not null").fetchall()
    ]
    database.execute(
        f"create or replace temp table {table} (act varchar, trust double, weight bigint, body integer, "
        "max_count integer)"
    )
    rows = [
        (act, trust, sign_weight(rule.weight, trust), int(rule.body_present), rule.max_count)
        for act, rule in policy.signs.items()
        for trust in trusts
    ]
    if rows:
        database.executemany(f"insert into {table} values (?, ?, ?, ?, ?)", rows)


def _accepted(policy: Policy) -> str:
    """Return the condition under which records count as proof on a day, by the age on that day."""
    unknown = Channel.DATA in policy.accepted(None)
    cases = " ".join(
        f"when {_age('birth_date', 'day')} >= {band.from_age} then {str(Channel.DATA in band.accepted).lower()}"
        for band in reversed(policy.bands)
    )
    return f"case when birth_date is null then {str(unknown).lower()} {cases} else false end"


def _age(birth: str, day: str) -> str:
    return (
        f"(year({day}) - year({birth}) - case when (month({day}), day({day})) < (month({birth}), day({birth})) "
        "then 1 else 0 end)"
    )
