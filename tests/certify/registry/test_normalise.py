"""Normalisation: many written forms become one, and a text that is not a value becomes NULL with a reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.br import cpf
from stdnum.iso7064 import mod_11_2

from certify.errors import Invalid
from certify.registry.normalise import COLUMNS, Layout, canonical
from certify.registry.normalise.characters import CharacterTable
from certify.registry.normalise.dates import read_date, read_dates
from certify.registry.normalise.ids import check_ids, compact_ids
from certify.registry.normalise.names import fold_names
from fixtures.nation.ids import as_text, old_chinese_ids
from fixtures.nation.people import make_nation


def _key(name: str) -> str:
    _, keys = fold_names(pa.array([name]))
    found: str = keys[0].as_py()
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José  da Silva", "JOSE DA SILVA"),
        ("Silva, José da", "José da Silva"),
        ("Müller-Lüdenscheid Eva", "Eva Muller-Ludenscheid"),
        ("O'Neil Ann", "Ann O\u2019Neil"),
        ("王　建国", "王建國"),
        ("歐陽修", "欧阳修"),
    ],
)
def test_names_that_are_the_same_have_one_key(one: str, other: str) -> None:
    assert _key(one) == _key(other)


@pytest.mark.parametrize(("one", "other"), [("王建国", "王国建"), ("Ana Souza", "Ana Sousa"), ("李明", "黎明华")])
def test_names_that_differ_keep_their_keys_apart(one: str, other: str) -> None:
    assert _key(one) != _key(other)


@pytest.mark.parametrize(
    ("one", "other", "keys_alike"),
    [
        ("रमा कालेकर", "रीमा कालेकर", False),
        ("Đỗ Thị Hòa", "Đỗ Thị Hoa", True),
        ("闵晓虹", "闵晓红", True),
        ("สุดา", "สิดา", False),
        ("José", "Jose", True),
    ],
)
def test_attack_signs_tones_and_homophones_keep_names_apart(one: str, other: str, keys_alike: bool) -> None:
    folded, keys = fold_names(pa.array([one, other]))
    assert folded[0] != folded[1]
    assert (keys[0] == keys[1]) is keys_alike


@pytest.mark.parametrize(
    ("one", "other"),
    [("أحمد", "احمد"), ("مُحَمَّد", "محمد"), ("Фёдор", "Федор"), ("रमा", "र‍मा"), ("éva", "Éva")],
)
def test_optional_signs_are_no_difference(one: str, other: str) -> None:
    folded, _ = fold_names(pa.array([one, other]))
    assert folded[0] == folded[1]


@pytest.mark.parametrize(
    ("text", "order", "era", "day", "precision", "reason"),
    [
        ("1940-03-02", "dmy", "gregorian", "19400302", "day", None),
        ("02/03/1940", "dmy", "gregorian", "19400302", "day", None),
        ("02/03/1940", "mdy", "gregorian", "19400203", "day", None),
        ("19400302", "dmy", "gregorian", "19400302", "day", None),
        ("1940年3月2日", "dmy", "gregorian", "19400302", "day", None),
        ("29/03/02", "dmy", "minguo", "19400302", "day", None),
        ("2483-03-02", "dmy", "buddhist", "19400302", "day", None),
        ("1940-01-01", "dmy", "gregorian", "19400101", "year", None),
        ("1940", "dmy", "gregorian", "19400101", "year", None),
        ("1940-03", "dmy", "gregorian", "19400301", "month", None),
        ("1941-02-29", "dmy", "gregorian", None, None, "impossible"),
        ("31/04/1940", "dmy", "gregorian", None, None, "impossible"),
        ("yesterday", "dmy", "gregorian", None, None, "not_a_date"),
        ("", "dmy", "gregorian", None, None, "missing"),
    ],
)
def test_dates(text: str, order: str, era: str, day: str | None, precision: str | None, reason: str | None) -> None:
    assert read_date(text, order, era) == (day, precision, reason)


@given(st.dates(date(1900, 1, 1), date(2026, 12, 31)))
def test_every_date_comes_back_from_every_form(day: date) -> None:
    forms = pa.array([day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%Y%m%d}", f"{day.year}年{day.month}月{day.day}日"])
    days, precision, _ = read_dates(forms)
    assert set(days.to_pylist()) == {f"{day:%Y%m%d}"}
    assert set(precision.to_pylist()) == {"year" if (day.month, day.day) == (1, 1) else "day"}


def test_chinese_ids_are_checked_and_old_ones_expanded() -> None:
    nation = make_nation(300, seed=3)
    texts = as_text(nation.ids).to_pylist()
    assert all(mod_11_2.is_valid(text) for text in texts)
    usable, _ = check_ids(compact_ids(pa.array(texts)), "cn")
    assert usable.to_pylist() == texts
    expanded, _ = check_ids(compact_ids(as_text(old_chinese_ids(nation.ids))), "cn")
    born_1900s = [text for text in texts if text[6:8] == "19"]
    assert [text for text in expanded.to_pylist() if text in set(texts)] == born_1900s


def test_latin_ids_are_checked() -> None:
    texts = as_text(make_nation(200, seed=4, flavour="latin").ids).to_pylist()
    assert all(cpf.is_valid(text) for text in texts)
    usable, _ = check_ids(compact_ids(pa.array([f"{t[:3]}.{t[3:6]}.{t[6:9]}-{t[9:]}" for t in texts])), "eleven")
    assert usable.to_pylist() == texts


@given(st.integers(0, 199), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_makes_a_chinese_id_unusable(row: int, place: int, step: int) -> None:
    text = TEXTS[row]
    wrong = text[:place] + str((int(text[place]) + step) % 10) + text[place + 1 :]
    usable, reasons = check_ids(compact_ids(pa.array([wrong])), "cn")
    assert usable.to_pylist() == [None]
    assert reasons[0].as_py()


TEXTS = as_text(make_nation(200, seed=5).ids).to_pylist()


def test_a_table_of_any_layout_becomes_canonical() -> None:
    people = pa.table(
        {
            "nr": [1, 2],
            "cit": [" " + TEXTS[0][:6] + " " + TEXTS[0][6:].lower(), "123"],
            "first": ["Ana", "José"],
            "last": ["Souza", "Silva"],
            "sexo": ["Feminino", "?"],
            "born": [date(1940, 3, 2), date(1941, 1, 1)],
            "uf": [" SP ", None],
        }
    )
    layout = Layout(key="nr", id="cit", name=("first", "last"), birth="born", sex="sexo", region="uf", id_format="cn")
    found = canonical(people, layout)
    assert found.column_names == list(COLUMNS)
    first, second = found.to_pylist()
    assert (first["id"], first["birth"], first["sex"], first["region"]) == (TEXTS[0], "19400302", "F", "sp")
    assert (second["id"], second["birth_precision"], second["sex"], second["region"]) == (None, "year", None, None)
    assert second["id_reason"]
    with pytest.raises(Invalid, match="id format"):
        Layout(key="nr", id_format="martian")


def test_hashed_ids_are_unchanged_and_their_clear_text_is_a_column_of_its_own() -> None:
    table = pa.table({"k": ["a", "b", "c"], "h": ["ab" * 32, None, ""], "t": [None, "1101 01", None]})
    layout = Layout(key="k", id="h", id_text="t", id_format="hashed", id_holds_birth=True)
    rows = canonical(table, layout).to_pylist()
    assert [row["id"] for row in rows] == ["ab" * 32, None, None]
    assert [row["id_text"] for row in rows] == [None, "110101", None]
    assert [row["id_reason"] for row in rows] == [None, "missing", "missing"]
    assert layout.ids_are_hashed
    assert layout.ids_are_checked
    assert layout.ids_hold_birth
    assert not Layout(key="k", id="h", id_format="hashed").ids_hold_birth
    assert Layout(key="k", id="h", id_format="cn").ids_hold_birth
    assert canonical(table.select(["k", "h"]), Layout(key="k", id="h", id_format="hashed"))["id_text"].null_count == 3


@pytest.mark.parametrize(
    ("text", "fmt", "reason"),
    [
        ("1" * 15, "cn", "placeholder"),
        ("0" * 11, "eleven", "placeholder"),
        ("7777", "any", "placeholder"),
        ("é" * 18, "cn", "characters"),
        ("é" * 9, "cn", "length"),  # 18 bytes
        ("11010119490230001X", "cn", "birth_date"),
        ("110101194902280011", "cn", "check_digit"),
        ("1101011949022800", "cn", "length"),
        ("1234567891", "eleven", "length"),
        ("12345678901", "eleven", "check_digit"),
        ("1234567890X", "eleven", "characters"),
        ("123", "any", "length"),
        (" -", "any", "missing"),
        (None, "cn", "missing"),
    ],
)
def test_an_unusable_id_has_its_reason_among_others_too(text: str | None, fmt: str, reason: str) -> None:
    ids, reasons = check_ids(compact_ids(pa.array([TEXTS[0], None, text, "x" * 40])[1:]), fmt)
    assert ids[1].as_py() is None
    assert reasons[1].as_py() == reason


def test_a_row_without_any_part_of_a_name_stays_a_row() -> None:
    table = pa.table({"k": ["a", "b", "c"], "first": ["Ana", None, None], "last": ["Souza", None, "Lima"]})
    found = canonical(table, Layout(key="k", name=("first", "last")))
    assert found["name_key"].to_pylist() == ["ana souza", None, "lima"]


@pytest.mark.parametrize("era", ["gregorian", "minguo"])
def test_typed_dates_are_read_like_their_texts(era: str) -> None:
    days = [
        date(1850, 1, 1),
        date(1849, 12, 31),
        date(2099, 12, 31),
        date(2100, 1, 1),
        date(1940, 3, 2),
        date(1940, 1, 1),
    ]
    texts = read_dates(pa.array([day.isoformat() for day in days]))
    for typed in (pa.array(days), pa.array([None, *days])[1:], pa.array([*days, None])):
        found = read_dates(typed, era=era)  # the era applies to texts only; a typed date is Gregorian
        assert [part.to_pylist()[: len(days)] for part in found] == [part.to_pylist() for part in texts]
    assert [part[-1].as_py() for part in found] == [None, None, "missing"]


def test_a_chinese_name_among_letters_is_spelt_out_in_every_batch() -> None:
    alone = _key("Ana 王")
    assert alone == "ana wang"
    assert fold_names(pa.array(["王建国", "Ana 王"]))[1][1].as_py() == alone


def test_threads_that_learn_characters_at_once_do_not_mix_them_up() -> None:
    letters = [chr(point) for point in range(0x4E00, 0x4E00 + 3000)]
    parts = [pa.array(letters[start : start + 1500]) for start in range(0, 1500, 25)]
    table = CharacterTable(lambda character: f"<{ord(character)}>")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(table.apply, parts))
    for part, made in zip(parts, found, strict=True):
        assert made.to_pylist() == [f"<{ord(character)}>" for character in part.to_pylist()]


@pytest.mark.parametrize("stay", [0, 1, 40])
def test_texts_without_changes_stay_the_same_among_others(stay: int) -> None:
    """A few texts that change among many that do not are folded separately, with the same result."""
    texts = ["陳國强", None, "a-B", "", "é", "--", *["王建国"] * stay, None, "李Ñ"]
    table = CharacterTable(
        lambda character: {"陳": "陈", "國": "国", "B": "bb", "é": "e", "-": ""}.get(character, character)
    )
    wanted = ["陈国强", None, "abb", "", "e", "", *["王建国"] * stay, None, "李Ñ"]
    assert table.apply(pa.array(texts, pa.string())).to_pylist() == wanted
    assert table.apply(pa.array(texts, pa.string())[1:]).to_pylist() == wanted[1:]


@pytest.mark.parametrize("days", [0, 1, 400])
def test_dictionaries_and_nulls_are_read_too(days: int) -> None:
    values = pa.array([str(date(1950, 1, 2) + timedelta(days)), None]).dictionary_encode()
    found, _, reasons = read_dates(values)
    assert found.to_pylist() == [f"{date(1950, 1, 2) + timedelta(days):%Y%m%d}", None]
    assert reasons.to_pylist()[1] == "missing"
