"""The sentence that says which prior an answer hangs on: by shares of variance, and by widths where there are none."""

from __future__ import annotations

import pandas as pd

from reestim.reports.prior_dependence import prior_dependence

ABROAD = ["JPN", "DEU"]


def tables(verdicts: dict[str, str], **shares: float) -> dict[str, pd.DataFrame]:
    """Shares of the variance of Japan's and Germany's welfare (China's is all of σ), and verdicts."""
    names = {"mean_sigma": "mean σ", "kappa": "κ", "spillover": "ξ"}
    judged = pd.DataFrame([{"parameter": p, "symbol": names[p], "verdict": v} for p, v in verdicts.items()])
    rows = [
        {"scenario": "q", "technology": "directed", "country": country, "source": source, "share": share + more}
        for country, more in (("JPN", -0.05), ("DEU", 0.05))
        for source, share in shares.items()
    ]
    rows += [
        {"scenario": "q", "technology": "directed", "country": "CHN", "source": s, "share": float(s == "sigma")}
        for s in shares
    ]
    return {"prior_posterior": judged} | ({"welfare_variance": pd.DataFrame(rows)} if shares else {})


def said(found: dict[str, pd.DataFrame], technology: str = "directed") -> str:
    return " ".join(prior_dependence(found, "q", ABROAD, technology))


def test_a_large_share_of_a_parameter_that_rests_on_its_prior_is_named_with_its_size() -> None:
    verdicts = {"mean_sigma": "data", "kappa": "both", "spillover": "shifted"}
    text = said(tables(verdicts, spillover=0.6, sigma=0.25, kappa=0.15))
    start = "The answer with directed technology hangs on priors: its variance abroad comes from "
    assert text.startswith(
        f"{start}what research is worth to others (ξ: 60 % of it, prior alone) and how strongly research "
        "follows prices (κ: 15 % of it, prior and data alike). "
    )
    assert "σ" not in text
    assert "docs/priors.md" in text
    assert said(tables({"mean_sigma": "both"}, sigma=0.9)).startswith(
        "The answer with directed technology depends on priors and data alike"
    )


def test_what_the_data_speak_about_is_said_to_be_so() -> None:
    verdicts = {"mean_sigma": "data", "kappa": "prior", "spillover": "data"}
    text = said(tables(verdicts, sigma=0.8, kappa=0.1, spillover=0.1))
    assert "(σ: 80 % of it, the data speak about it)" in text
    assert "hangs" not in text


def test_a_parameter_without_evidence_rests_on_its_stated_prior_and_an_input_on_none() -> None:
    found = said(tables({}, element_elasticity=0.7, sigma=0.05))
    assert "from how well elements replace each other (ρ: 70 % of it, prior alone)" in found
    assert "a figure of the dataset" in said(tables({"mean_sigma": "data"}, element_use=0.7, sigma=0.3))


def test_without_shares_of_variance_the_parameters_that_rest_on_priors_are_named() -> None:
    found = tables({"mean_sigma": "data", "kappa": "prior", "spillover": "prior"})
    assert "hangs on priors: κ and ξ rest on their priors" in said(found)
    assert said(found, "fixed") == ""
    assert said(tables({"mean_sigma": "data", "kappa": "data"})) == ""
