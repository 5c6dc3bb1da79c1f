"""Conversion of a table of any layout to the columns that linking compares."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.normalise.characters import by_distinct
from certify.registry.normalise.dates import ERAS, ORDERS, read_dates
from certify.registry.normalise.ids import FORMATS, HAS_CHECK_DIGIT, HASHED, HOLDS_BIRTH_DATE, check_ids, compact_ids
from certify.registry.normalise.names import fold_names

COLUMNS = ("key", "id", "id_text", "id_reason", "name", "name_key", "birth", "birth_precision", "birth_reason", "sex",
           "region")  # fmt: skip
"""The columns that ``canonical`` makes, besides one column ``x_...`` for each extra one. All are text; ``birth`` is
yyyymmdd.

``id`` is looked up; it is NULL when unusable (``id_reason`` says why). ``id_text`` is compared to find typing mistakes.
"""

SEXES = {
    **dict.fromkeys(("m", "male", "man", "男", "男性", "masculino", "masc", "h", "hombre", "homem", "homme", "1"), "M"),
    **dict.fromkeys(("f", "female", "woman", "女", "女性", "feminino", "femenino", "fem", "mulher", "mujer", "femme",
                     "w", "weiblich", "2"), "F"),
    "männlich": "M",
}  # fmt: skip
"""Words for the sexes, with 1 and 2 of ISO/IEC 5218. Any other word is not known."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table by their meaning, and how they are written. A column that does not exist is None.

    Attributes:
        key: column that identifies a row; must be unique.
        id: the national id.
        name: one or more columns that together are the name.
        birth: the date of birth.
        sex: the sex of the person.
        region: code of a place.
        extra: other columns that help to tell people apart, such as an address.
        id_format: one of ``normalise.ids.FORMATS``. With ``hashed`` the column ``id`` has a keyed hash of each usable
            id and nothing for other ids, because clear ids stay sealed. Both sides must be hashed with the same key.
            Such ids count as checked, because they are checked before they are hashed, unless ``id_checked`` says that
            they have no check digits.
        id_text: a column with clear ids besides hashed ones, for rows where they are known. Typing mistakes can be
            found only there.
        id_holds_birth: whether ids contain the birth date, which then confirms them only partly. None: as the format
            says; a hash says nothing, so None means no for hashed ids.
        id_checked: whether ids have check digits, so that a usable one is not mistyped. None: as the format says.
        date_order: ``dmy`` or ``mdy``, for dates that do not begin with the year.
        era: ``gregorian``, ``buddhist`` or ``minguo``.

    Raises:
        Invalid: the format, order or era is unknown (``layout``).
    """

    key: str
    id: str | None = None
    name: tuple[str, ...] = ()
    birth: str | None = None
    sex: str | None = None
    region: str | None = None
    extra: tuple[str, ...] = field(default=())
    id_format: str = "any"
    id_text: str | None = None
    id_holds_birth: bool | None = None
    id_checked: bool | None = None
    date_order: str = "dmy"
    era: str = "gregorian"

    def __post_init__(self) -> None:
        for value, allowed, what in (
            (self.id_format, tuple(FORMATS), "id format"),
            (self.date_order, ORDERS, "date order"),
            (self.era, tuple(ERAS), "era"),
        ):
            if value not in allowed:
                raise Invalid(
                    f"'{value}' is no {what}.", hint=f"Use one of {', '.join(allowed)}.", code=ErrorCode.LAYOUT
                )

    @property
    def ids_are_checked(self) -> bool:
        """Return whether typing mistakes in ids are detected, so that a usable unknown id belongs to another person."""
        return self.id_format in HAS_CHECK_DIGIT if self.id_checked is None else self.id_checked

    @property
    def ids_hold_birth(self) -> bool:
        """Return whether an id contains the birth date."""
        return self.id_format in HOLDS_BIRTH_DATE if self.id_holds_birth is None else self.id_holds_birth

    @property
    def ids_are_hashed(self) -> bool:
        """Return whether ids are keyed hashes, which can only be compared with other hashes."""
        return self.id_format == HASHED

    def columns(self) -> tuple[str, ...]:
        """Return all columns to read, each once."""
        single = (self.key, self.id, self.id_text, self.birth, self.sex, self.region)
        return tuple(dict.fromkeys([*(c for c in single if c), *self.name, *self.extra]))


def canonical(table: pa.Table | pa.RecordBatch, layout: Layout) -> pa.Table:
    """Normalise all columns.

    Args:
        table: the rows.
        layout: the meaning of their columns.

    Returns:
        A table with the columns of ``COLUMNS`` and the extra ones; a column that the layout does not name is NULL.
    """
    size = table.num_rows

    def column(name: str | None) -> pa.Array:
        if name is None:
            return pa.nulls(size, pa.string())
        values = table.column(name)
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values

    written = column(layout.id).cast(pa.string()) if layout.ids_are_hashed else compact_ids(column(layout.id))
    usable, id_reason = check_ids(written, layout.id_format)
    id_text = compact_ids(column(layout.id_text)) if layout.ids_are_hashed or layout.id_text else written
    folded, name_key = fold_names(_joined([column(name) for name in layout.name], size))
    birth, precision, birth_reason = read_dates(column(layout.birth), layout.date_order, layout.era)
    sex = by_distinct(column(layout.sex).cast(pa.string()), _read_sex)
    made = [column(layout.key).cast(pa.string()), usable, id_text, id_reason, folded, name_key, birth, precision]
    made += [birth_reason, sex, _tight(column(layout.region))]
    made += [_tight(column(name)) for name in layout.extra]
    return pa.table(made, names=[*COLUMNS, *extra_columns(layout)])


def extra_columns(layout: Layout) -> list[str]:
    """Return the canonical names of the extra columns."""
    return [f"x_{place}" for place in range(len(layout.extra))]


def _joined(parts: list[pa.Array], size: int) -> pa.Array:
    if not parts:
        return pa.nulls(size, pa.string())
    if len(parts) == 1:
        return parts[0].cast(pa.string())
    # ``null_handling="skip"`` would leave out rows in which all parts are NULL. Spaces at the ends do no harm.
    return pc.binary_join_element_wise(*[part.cast(pa.string()).fill_null("") for part in parts], " ")


def _read_sex(distinct: pa.Array) -> pa.Array:
    words = (unicodedata.normalize("NFKC", word or "").strip().strip(".").casefold() for word in distinct.to_pylist())
    return pa.array([SEXES.get(word) for word in words], pa.string())


def _tight(values: pa.Array) -> pa.Array:
    """Fold codes and addresses, but keep their order and script."""
    return by_distinct(values.cast(pa.string()), _tight_distinct)


def _tight_distinct(distinct: pa.Array) -> pa.Array:
    folded = pc.utf8_lower(pc.utf8_normalize(distinct, "NFKC"))
    folded = pc.utf8_trim_whitespace(pc.replace_substring_regex(folded, r"[\s\p{P}]+", " "))
    empty = pc.is_in(folded, value_set=_NOTHING)
    return pc.if_else(empty, pa.scalar(None, pa.string()), folded)


_NOTHING = pa.array(
    ["", "null", "none", "nan", "n a", "unknown", "not known", "desconocido", "ignorado", "inconnu", "未知"]
)
"""Folded texts that say that a place or an address is not known: two of them are no agreement."""
