"""Five made-up applications of four inventions, written as each source publishes them. No text is of others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

#: id, family, office, filed, title and language, abstract and language, applicants, inventors, classes.
#: 101 is filed in Japan, then in the United States; 102 has nobody whose country is known; 103 names no rare earth; the
#: last has no family.
APPLICATIONS: list[dict[str, Any]] = [
    {
        **{"id": "JP-1-A", "family": "101", "office": "JP", "filed": "2005-04-01", "title": ("磁石", "ja")},
        **{"abstract": ("", ""), "applicants": [("Kogyo", "JP")], "inventors": [("Sato", "JP")], "classes": []},
    },
    {
        **{"id": "US-2-A1", "family": "101", "office": "US", "filed": "2006-03-30", "title": ("Magnet", "en")},
        **{"abstract": ("Less dysprosium in a magnet of neodymium, iron and boron.", "en")},
        **{"applicants": [("Kogyo", "JP"), ("Motors", "US")], "inventors": [("Sato", "JP"), ("Miller", "US")]},
        **{"classes": ["H01F1/057", "H01F1/0577", "C22C38/005", "Y02T10/64"]},
    },
    {
        **{"id": "CN-3-A", "family": "102", "office": "CN", "filed": "2008-01-05", "title": ("Cerium polish", "en")},
        **{"abstract": ("Cerium oxide polishes glass.", "en"), "applicants": [("Nobody", "")], "inventors": []},
        **{"classes": ["C09G1/02"]},
    },
    {
        **{"id": "US-4-A1", "family": "103", "office": "US", "filed": "2007-07-07", "title": ("Hard magnet", "en")},
        **{"abstract": ("An alloy of manganese and bismuth of high coercivity.", "en")},
        **{"applicants": [("Motors", "US"), ("Werke", "DE"), ("Werke B", "DE")], "inventors": [("Miller", "US")]},
        **{"classes": ["H01F1/047"]},
    },
    {
        **{"id": "KR-5-A", "family": "", "office": "KR", "filed": "2009-09-09", "title": ("Phosphor", "en")},
        **{"abstract": ("A phosphor with europium.", "en"), "applicants": [("Jeonja", "KR")]},
        **{"inventors": [("Kim", "KR")], "classes": ["C09K11/77"]},
    },
]
#: The inventions by the residence of applicants: the text's identifier, year, parts.
ELECTRICAL, METALS, CHEMICALS = "electrical_optical", "metals", "chemicals"
EXPECTED = {
    "US-2-A1": (2005, {("JPN", ELECTRICAL): 0.5, ("JPN", METALS): 0.5}),
    "US-4-A1": (2007, {("USA", ELECTRICAL): 1 / 3, ("DEU", ELECTRICAL): 2 / 3}),
    "KR-5-A": (2009, {("KOR", CHEMICALS): 1.0}),
}
COLUMNS = (
    *(("id", "number"), ("family", "docdb"), ("office", "authority"), ("country", "residence"), ("year", "filed")),
    *(("title", "title"), ("abstract", "abstract"), ("cpc", "cpc"), ("language", "language")),
)


def plain_rows(separator: str | None = ";") -> list[dict[str, Any]]:
    """One row an application; lists as text with a separator, or as lists."""

    def several(parts: Sequence[str]) -> Any:
        return list(parts) if separator is None else separator.join(parts)

    return [
        {
            "number": a["id"],
            "docdb": a["family"],
            "authority": a["office"],
            "residence": several([country for _, country in a["applicants"]]),
            "filed": a["filed"],
            "title": a["title"][0],
            "abstract": a["abstract"][0],
            "language": a["title"][1],
            "cpc": several(a["classes"]),
        }
        for a in APPLICATIONS
    ]


def plain(folder: Path, kind: str) -> list[Path]:
    """The rows as a file of this kind."""
    path = folder / f"mine.{kind}"
    if kind in ("csv", "tsv"):
        pd.DataFrame(plain_rows("; ")).to_csv(path, index=False, sep="," if kind == "csv" else "\t")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in plain_rows(None)))
    elif kind == "parquet":
        pd.DataFrame(plain_rows(None)).to_parquet(path)
    else:
        pd.DataFrame(plain_rows("|")).to_excel(path, index=False)
    return [path]


def google(folder: Path) -> list[Path]:
    """As BigQuery exports it: whole numbers are text, nested fields objects."""
    path = folder / "publications.jsonl"
    rows = [
        {
            "publication_number": a["id"],
            "country_code": a["office"],
            "family_id": a["family"] or "-1",
            "filing_date": a["filed"].replace("-", ""),
            "title_localized": [{"text": a["title"][0], "language": a["title"][1]}],
            "abstract_localized": [{"text": a["abstract"][0], "language": a["abstract"][1]}]
            if a["abstract"][0]
            else [],
            "assignee_harmonized": [{"name": name, "country_code": code} for name, code in a["applicants"]],
            "inventor_harmonized": [{"name": name, "country_code": code} for name, code in a["inventors"]],
            "cpc": [{"code": code, "inventive": True, "first": n == 0} for n, code in enumerate(a["classes"])],
        }
        for a in APPLICATIONS
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return [path]


def lens(folder: Path) -> tuple[list[Path], Path]:
    """An export of Lens.org, and a file that says where applicants and inventors live."""
    members = {a["family"]: [b["id"] for b in APPLICATIONS if b["family"] == a["family"]] for a in APPLICATIONS}
    rows = [
        {
            "#": n,
            "Jurisdiction": a["office"],
            "Display Key": a["id"],
            "Application Date": a["filed"],
            "Title": a["title"][0],
            "Abstract": a["abstract"][0],
            "Applicants": ";;".join(name for name, _ in a["applicants"]),
            "Inventors": ";;".join(name for name, _ in a["inventors"]),
            "CPC Classifications": ";;".join(a["classes"]),
            "Simple Family Members": ";;".join(members[a["family"]]),
        }
        for n, a in enumerate(APPLICATIONS)
    ]
    export, residence = folder / "lens-export.csv", folder / "residence.csv"
    pd.DataFrame(rows).to_csv(export, index=False)
    people = {person for a in APPLICATIONS for person in (*a["applicants"], *a["inventors"]) if person[1]}
    pd.DataFrame(sorted(people), columns=["name", "country"]).to_csv(residence, index=False)
    return [export], residence


def patstat(folder: Path, *, nace: bool = False, separator: str = ",") -> list[Path]:
    """Tables of PATSTAT; ``nace``: with tls229 in place of the classes. tls201 comes in two parts."""
    people = sorted({p for a in APPLICATIONS for p in (*a["applicants"], *a["inventors"])})
    number = {person: n for n, person in enumerate(people, start=1)}
    earliest = {a["family"]: min(b["filed"] for b in APPLICATIONS if b["family"] == a["family"]) for a in APPLICATIONS}
    tables: dict[str, list[dict[str, Any]]] = {
        "tls201_part01": [
            {
                "appln_id": a["id"],
                "appln_auth": a["office"],
                "appln_filing_year": int(a["filed"][:4]),
                "earliest_filing_year": int(earliest[a["family"]][:4]),
                "ipr_type": "PI",
                "docdb_family_id": int(a["family"] or 0),
            }
            for a in APPLICATIONS
        ],
        "tls202": [
            {"appln_id": a["id"], "appln_title_lg": a["title"][1], "appln_title": a["title"][0]} for a in APPLICATIONS
        ],
        "tls203": [
            {"appln_id": a["id"], "appln_abstract_lg": a["abstract"][1], "appln_abstract": a["abstract"][0]}
            for a in APPLICATIONS
            if a["abstract"][0]
        ],
        "tls206": [{"person_id": number[p], "person_ctry_code": p[1]} for p in people],
        "tls207": [
            {
                "person_id": number[p],
                "appln_id": a["id"],
                "applt_seq_nr": (n + 1) * (role == "applicants"),
                "invt_seq_nr": (n + 1) * (role == "inventors"),
            }
            for a in APPLICATIONS
            for role in ("applicants", "inventors")
            for n, p in enumerate(a[role])
        ],
    }
    design = {**tables["tls201_part01"][0], "appln_id": "D-9", "ipr_type": "DE", "docdb_family_id": 900}
    tables["tls201_part02"] = [design]
    if nace:
        codes = {"US-2-A1": [("26.5", 0.75), ("24.4", 0.25)], "CN-3-A": [("20", 1.0)], "US-4-A1": [("27", 1.0)]}
        codes["KR-5-A"] = [("20.5", 1.0)]
        tables["tls229"] = [
            {"appln_id": i, "nace2_code": code, "weight": weight} for i, rows in codes.items() for code, weight in rows
        ]
    else:
        spaced = [
            (a["id"], f"{s[:4]}{s[4:].split('/')[0]:>4}/{s.split('/')[1]}") for a in APPLICATIONS for s in a["classes"]
        ]
        tables["tls224"] = [{"appln_id": i, "cpc_class_symbol": s} for i, s in spaced]
    files = []
    for name, rows in tables.items():
        files.append(folder / f"{name}.csv")
        pd.DataFrame(rows).to_csv(files[-1], index=False, sep=separator)
    return files


def applied(folder: Path) -> list[Path]:
    """PatentsView's tables of applications: those of the office US, one of them published twice."""
    mine = [a for a in APPLICATIONS if a["office"] == "US"]
    twice = [(a["id"], n, a) for n, a in enumerate(mine)] + [("US-4-A9", 1, mine[1])]
    tables = {
        "pg_published_application": [
            {
                "pgpub_id": i,
                "application_id": f"11/{n}",
                "filing_date": a["filed"],
                "application_title": a["title"][0],
                "application_abstract": a["abstract"][0],
            }
            for i, n, a in twice
        ],
        "pg_location_disambiguated": [
            {"location_id": f"l-{code}", "disambig_country": code} for code in ("JP", "US", "DE")
        ],
        "pg_assignee_disambiguated": [
            {"pgpub_id": i, "assignee_sequence": k, "location_id": f"l-{code}"}
            for i, _, a in twice
            for k, (_, code) in enumerate(a["applicants"])
        ],
        "pg_cpc_at_issue": [
            {"pgpub_id": i, "cpc_sequence": k, "cpc_group": s, "cpc_type": "inventional"}
            for i, _, a in twice
            for k, s in enumerate(a["classes"])
        ],
    }
    files = []
    for name, rows in tables.items():
        files.append(folder / f"{name}.tsv")
        pd.DataFrame(rows).to_csv(files[-1], index=False, sep="\t")
    return files
