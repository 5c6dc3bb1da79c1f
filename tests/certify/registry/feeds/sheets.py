"""Workbooks for tests, written by hand: the smallest files that are XLSX and ODS."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[object]]
_X = "http://schemas.openxmlformats.org"


def write_sheets(path: Path, sheets: Mapping[str, Rows]) -> None:
    """Write a workbook; its ending says in which format."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (_ods(sheets) if path.suffix == ".ods" else _xlsx(sheets)).items():
            archive.writestr(name, text)


def _xlsx(sheets: Mapping[str, Rows]) -> dict[str, str]:
    main, relations = f"{_X}/spreadsheetml/2006/main", f"{_X}/package/2006/relationships"
    office = f"{_X}/officeDocument/2006/relationships"
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
    linked = "".join(
        f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/s{n}.xml"/>'
        for n, _ in enumerate(sheets, 1)
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_X}/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}">{linked}</Relationships>',
    }
    for n, rows in enumerate(sheets.values(), 1):
        body = "".join(
            f'<row r="{y}">'
            + "".join(
                f'<c r="{chr(65 + x)}{y}"><v>{cell}</v></c>'
                if isinstance(cell, int | float)
                else f'<c r="{chr(65 + x)}{y}" t="inlineStr"><is><t>{escape(str(cell))}</t></is></c>'
                for x, cell in enumerate(row)
            )
            + "</row>"
            for y, row in enumerate(rows, 1)
        )
        files[f"xl/worksheets/s{n}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
    return files


def _ods(sheets: Mapping[str, Rows]) -> dict[str, str]:
    name = "urn:oasis:names:tc:opendocument:xmlns"
    tables = "".join(
        f'<table:table table:name="{title}">'
        + "".join("<table:table-row>" + "".join(map(_ods_cell, row)) + "</table:table-row>" for row in rows)
        + "</table:table>"
        for title, rows in sheets.items()
    )
    content = (
        f'<office:document-content xmlns:office="{name}:office:1.0" xmlns:table="{name}:table:1.0" '
        f'xmlns:text="{name}:text:1.0"><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{name}:manifest:1.0"/>',
        "content.xml": content,
    }


def _ods_cell(cell: object) -> str:
    if isinstance(cell, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
    return f'<table:table-cell office:value-type="string"><text:p>{escape(str(cell))}</text:p></table:table-cell>'
