"""The evidence in the report: labels, exposure, event study, elements, growth; tables, pictures and sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from reestim.evidence.groups import ELEMENTS, EVENTS, GROWTH, IDENTITIES, LABELS
from reestim.provenance import json_attr
from reestim.reports.images import image

if TYPE_CHECKING:
    import xarray as xr

    from reestim.reports.figures import Picture

ECONOMY = "economy"
_CELLS_SHOWN = 12


def evidence_tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Tables of the evidence that this run holds, by the name of their CSV file."""
    out: dict[str, pd.DataFrame] = {}
    if _has_exposure(post):
        from reestim.supply_chain.exposure_ranking import exposure_tables

        out |= exposure_tables(post[ECONOMY].to_dataset())
    if IDENTITIES in post.children:
        out[IDENTITIES] = pd.DataFrame({str(k): v.values for k, v in post[IDENTITIES].to_dataset().data_vars.items()})
    if EVENTS in post.children:
        from reestim.evidence.event_paths import event_tables

        out |= event_tables(events(post))
    if ELEMENTS in post.children:
        from reestim.supply_chain.element_similarity import similarity_table, wide

        alike = post[ELEMENTS].to_dataset()
        out |= {
            "element_similarity": similarity_table(alike),
            "element_distance": wide(alike["distance"]),
            "substitutability": wide(alike["substitutability"]),
        }
    if LABELS in post.children:
        from reestim.reports.label_section import label_quality_table

        out[LABELS] = label_quality_table(post)
    return out


def evidence_pictures(post: xr.DataTree) -> list[Picture]:
    """Pictures of the evidence that this run holds."""
    from reestim.reports.figures import Picture

    out: list[Picture] = []
    if _has_exposure(post):
        from reestim.reports import exposure_figure as exposure
        from reestim.supply_chain.exposure_ranking import exposure_tables

        tables = exposure_tables(post[ECONOMY].to_dataset())
        words = f"{exposure.CAPTION} {exposure.spoken(tables)}"
        out.append(Picture("exposure", image(exposure.exposure_figure(tables)), words, exposure.CAPTION))
    if EVENTS in post.children:
        from reestim.reports import event_figure

        study = events(post)
        for name, figure in event_figure.event_figures(study).items():
            outcome = name.removeprefix("event_study_")
            caption = event_figure.caption(study, outcome)
            out.append(Picture(name, image(figure), f"{caption} {event_figure.spoken(study, outcome)}", caption))
    if ELEMENTS in post.children:
        from reestim.reports import element_figure

        alike = post[ELEMENTS].to_dataset()
        words = f"{element_figure.CAPTION} {element_figure.spoken(alike)}"
        picture = image(element_figure.element_figure(alike))
        out.append(Picture("element_similarity", picture, words, element_figure.CAPTION))
    if GROWTH in post.children:
        from reestim.reports import productivity_figure as growth

        means = growth.means_of(post[GROWTH].to_dataset())
        words = f"{growth.CAPTION} {growth.spoken(means)}"
        out.append(Picture("productivity", image(growth.productivity_figure(means)), words, growth.CAPTION))
    return out


def evidence_sections(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Sections of the page: id, title, pictures (names), tables (caption, heads, rows of text), notes (sentences)."""
    out = []
    if "exposure_sectors" in tables:
        out.append(_exposure(tables))
    if EVENTS in post.children:
        out.append(_events(events(post)))
    if ELEMENTS in post.children:
        out.append(_elements(tables))
    if LABELS in tables:
        from reestim.reports.label_section import label_section

        out.append(label_section(post, tables[LABELS]))
    return out


def events(post: xr.DataTree) -> xr.Dataset:
    """The event study of a run; lists among its attributes are lists again after a reload."""
    study = post[EVENTS].to_dataset()
    return study.assign_attrs({name: json_attr(study.attrs, name, []) for name in ("notes", "simulated")})


def _has_exposure(post: xr.DataTree) -> bool:
    return ECONOMY in post.children and "element_tonnes" in post[ECONOMY].data_vars


def _exposure(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    from reestim.reports.exposure_figure import COUNTRY_HEADS, SECTOR_HEADS, ranking_rows

    shown = [
        {
            "caption": f"{what} by exposure to rare earths, per cent of cost; total is through all suppliers in the "
            "world. Measured from the input-output table, not estimated: no interval.",
            "heads": heads,
            "rows": ranking_rows(tables[name].query("direct > 0").head(_CELLS_SHOWN)),
        }
        for name, what, heads in (
            ("exposure_sectors", "Sectors of the world", SECTOR_HEADS),
            ("exposure_countries", "Countries", COUNTRY_HEADS),
        )
    ]
    notes = []
    if IDENTITIES in tables:
        held = tables[IDENTITIES]
        failed = [str(name) for name, good in zip(held["identity"], held["holds"], strict=True) if not good]
        words = f"These do NOT hold: {'; '.join(failed)}" if failed else "All hold"
        notes.append(
            f"{len(held)} accounting identities were checked after the rare earths were split out of their host "
            f"sector. {words}; the largest relative gap is {held['relative_gap'].to_numpy().max():.1e}."
        )
    title = "Who is exposed to rare earths"
    return {"id": "exposure", "title": title, "pictures": ["exposure"], "tables": shown, "notes": notes}


def _events(study: xr.Dataset) -> dict[str, Any]:
    from reestim.evidence.event_paths import event_tables
    from reestim.reports.event_words import STUDY_HEADS, study_rows, verdicts

    about = study.attrs
    simulated = (
        f" SIMULATED, no finding about the world: {', '.join(about['simulated'])}." if about["simulated"] else ""
    )
    table = {
        "caption": f"Mean effect from {about['policy_year']} on, {about['units']}; {about['interval']} intervals (of "
        f"the estimates: confidence, clustered by {about['cluster']}; of the Bayesian path: posterior).{simulated}",
        "heads": STUDY_HEADS,
        "rows": study_rows(study),
    }
    pictures = [f"event_study_{name}" for name in dict.fromkeys(event_tables(study)["event_study_effects"]["outcome"])]
    notes = [*verdicts(study), *about["notes"]]
    return {"id": "event-study", "title": "Event study", "pictures": pictures, "tables": [table], "notes": notes}


def _elements(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    z = tables["substitutability"]
    table = {
        "caption": "Substitutability z by sector, through its mix of elements: standard deviations over sectors, "
        "higher is harder to substitute. These are the predictors that elasticities are pooled on.",
        "heads": [str(name).replace("_", " ") for name in z.columns],
        "rows": [[str(row[0]), *(f"{value:+.2f}" for value in row[1:])] for row in z.itertuples(index=False)],
    }
    title = "Which elements resemble which"
    return {"id": "elements", "title": title, "pictures": ["element_similarity"], "tables": [table], "notes": []}
