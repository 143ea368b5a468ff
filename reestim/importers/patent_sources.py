"""Sources of patents: who publishes them, which edition is read, what comes of them."""

from __future__ import annotations

from reestim.importers.import_source import ImportSource
from reestim.importers.sources import google_patents, lens, patents, patentsview, patstat

_INVENTIONS = ("patents", "patent_shares")
PATENT_SOURCES = (
    ImportSource(
        "google-patents",
        "Google Patents Public Data, from IFI CLAIMS Patent Services and Google",
        google_patents.EDITION,
        "*.jsonl or *.json, also .gz: what --query asks BigQuery for",
        "console.cloud.google.com, BigQuery public data (patents-public-data)",
        "CC BY 4.0",
        _INVENTIONS,
        google_patents.TAKES,
        google_patents.read,
        query=google_patents.QUERY,
    ),
    ImportSource(
        "lens",
        "The Lens, Cambia and Queensland University of Technology",
        lens.EDITION,
        "lens-export.csv",
        "lens.org (free account)",
        "Lens terms of use",
        _INVENTIONS,
        lens.TAKES,
        lens.read,
    ),
    ImportSource(
        "patents",
        "patents of any source",
        patents.EDITION,
        "*.csv, *.tsv, *.jsonl (also .gz), *.parquet, *.xlsx; one row an application",
        "where you have them from",
        "that of the source",
        _INVENTIONS,
        patents.TAKES,
        patents.read,
    ),
    ImportSource(
        "patentsview",
        "PatentsView, United States Patent and Trademark Office: patents, disambiguated",
        patentsview.EDITION,
        "g_patent, g_patent_abstract, g_application, g_location_*, g_assignee_* (or g_inventor_*), g_cpc_current; "
        "or pg_published_application, its abstracts, pg_location_*, pg_assignee_*, pg_cpc_current (.tsv or .tsv.zip)",
        "data.uspto.gov, PatentsView (free key)",
        "CC BY 4.0",
        _INVENTIONS,
        patentsview.TAKES,
        patentsview.read,
    ),
    ImportSource(
        "patstat",
        "European Patent Office, PATSTAT Global",
        patstat.EDITION,
        "tls201, tls202, tls203, tls206, tls207, and one of tls229, tls224, tls209 (.csv, in parts or not)",
        "epo.org, PATSTAT (subscription)",
        "EPO terms: no redistribution of the raw data",
        _INVENTIONS,
        patstat.TAKES,
        patstat.read,
    ),
)
