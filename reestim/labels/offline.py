"""The offline labeller: a keyword screen, then logistic regression on masked words and cues. No network, no weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from reestim.dims import LABELS
from reestim.errors import InputError, Problem
from reestim.labels.masked_text import MaskedText, in_english, mask_text, mask_texts
from reestim.labels.patents import HUMAN, read_corpus

FOLDS = 10
SEED = 2010
#: Texts at least this alike (cosine of masked word pairs) are versions of one text and never split by a fold.
NEAR_DUPLICATE = 0.5
#: How much one of the user's own texts counts beside one of the corpus, which was written and not found.
OWN_WEIGHT = 3.0
#: Fewer texts of a class than this, and its confusion cannot be cross-validated.
_FEWEST = 5


@dataclass(frozen=True)
class CrossValidation:
    """Labels that each text got from a model which had not seen it, nor any near-duplicate of it.

    human, machine : (text,) labels; probability : (text,) of the machine's, NaN where the screen decided; ids : (text,)
    identifiers; folds : how the texts were split, in words.
    """

    human: np.ndarray
    machine: np.ndarray
    probability: np.ndarray
    ids: tuple[str, ...]
    folds: str


@dataclass(frozen=True)
class OfflineLabeller:
    """A trained offline labeller. ``label`` is pure: the same patents give the same labels.

    validation : out-of-fold labels of the sample the user gave, or of the corpus where none was given.
    trained_on : identifiers of the user's sample. out_of_fold : labels of texts the model has learnt from, given by
        models that had not, so that an audit of them is fair.
    """

    model: Pipeline
    validation: CrossValidation
    trained_on: frozenset[str] = frozenset()
    out_of_fold: dict[Any, tuple[str, float]] = field(default_factory=dict)

    def label(self, patents: pd.DataFrame) -> pd.DataFrame:
        """Label patents (columns ``patent_id, title, abstract``), row by row.

        Returns
        -------
        Columns ``label`` (empty: unlabelled), ``probability`` (of that label, as the model sees it; NaN where the
        screen decided or there is no label), ``reason`` (how the label came about, or why there is none).
        """
        out = pd.DataFrame({"label": "", "probability": np.nan, "reason": ""}, index=patents.index)
        waiting: list[Any] = []
        masked: list[MaskedText] = []
        for row, title, abstract in zip(patents.index, patents["title"], patents["abstract"], strict=True):
            training_label = self.out_of_fold.get(_key(title, abstract))
            if not (title.strip() or abstract.strip()):
                out.loc[row, "reason"] = "no title and no abstract"
            elif training_label is not None:
                reason = "model that had not seen this text of the sample"
                out.loc[row, ["label", "probability", "reason"]] = [*training_label, reason]
            elif not in_english(title, abstract):
                out.loc[row, "reason"] = "not English: translate it, or use the language model"
            elif (text := mask_text(title, abstract)).screened_out:
                out.loc[row, ["label", "reason"]] = ["unrelated", "keyword screen"]
            else:
                waiting.append(row)
                masked.append(text)
        if waiting:
            chances = _chances(self.model, masked)
            out.loc[waiting, "label"] = self.model.classes_[chances.argmax(axis=1)]
            out.loc[waiting, "probability"] = chances.max(axis=1)
            out.loc[waiting, "reason"] = "model"
        return out

    def about(self) -> dict[str, object]:
        """Who labelled: the version of the program, and what cross-validation says of it."""
        from reestim import __version__
        from reestim.labels.agreement import agreement, audit_rows, confusion_counts

        counts = confusion_counts(list(self.validation.human), list(self.validation.machine))
        scores = agreement(counts, "random")
        return {
            "labeller": "offline",
            "model": f"keyword screen and logistic regression, REEstim {__version__}",
            "trained_on": f"{len(self.trained_on)} audited patents and the corpus of REEstim (synthetic texts)",
            "own_texts": len(self.trained_on),
            "own_weight": OWN_WEIGHT,
            "cross_validation": {
                "texts": "audited patents" if self.trained_on else "corpus of REEstim (synthetic texts)",
                "folds": self.validation.folds,
                "macro_f1": scores.macro_f1.median,
                "kappa": scores.kappa.median,
                "confusion": audit_rows(counts, "random").drop(columns="design").to_dict("records"),
            },
        }


def train(sample: pd.DataFrame | None = None) -> OfflineLabeller:
    """Train on the corpus of the project and, where given, an audited sample of the user's own patents.

    Parameters
    ----------
    sample : columns ``patent_id, title, abstract, human_label``, no label empty.

    Raises
    ------
    InputError
        If a sample has rows without a human label, or too few texts of a class to say what it confuses.
    """
    corpus = read_corpus()
    if sample is None:
        validation = cross_validate(corpus)
        model = _fitted(mask_texts(corpus), _human(corpus))
        return OfflineLabeller(model, validation, out_of_fold=_labels_by_text(corpus, validation))
    empty = [row for row, label in zip(sample.index, sample[HUMAN], strict=True) if not label]
    if empty:
        advice = "Label every row, or leave out the column: a sample of the easy cases would mislead"
        raise InputError(
            [Problem("no human label", advice, row=int(row), column=HUMAN) for row in empty], "nothing can be learnt"
        )
    validation = cross_validate(sample, also_train_on=corpus)
    both = pd.concat([sample, corpus], ignore_index=True)
    model = _fitted(mask_texts(both), _human(both), own=len(sample))
    return OfflineLabeller(model, validation, frozenset(validation.ids), _labels_by_text(sample, validation))


def cross_validate(
    sample: pd.DataFrame, *, also_train_on: pd.DataFrame | None = None, leave_out: Sequence[str] | None = None
) -> CrossValidation:
    """Out-of-fold labels of a sample with human labels: screen and model as in use, the model refitted for each fold.

    Near-duplicates (``NEAR_DUPLICATE``) stay in one fold, so a template cannot leak. Texts in ``also_train_on`` help to
    train unless they are near-duplicates of the fold. ``leave_out`` (text,) names a group each; whole groups are left
    out instead of random folds, which shows how far the labeller carries to a field it has not seen.
    """
    masked = mask_texts(sample)
    human = _human(sample)
    extra = mask_texts(also_train_on) if also_train_on is not None else []
    extra_labels = _human(also_train_on) if also_train_on is not None else np.array([], object)
    group = near_duplicates([*masked, *extra])
    own, others = group[: len(masked)], group[len(masked) :]
    if leave_out is not None:
        splits = LeaveOneGroupOut().split(masked, human, np.asarray(leave_out, dtype=object))
        folds = f"one of {len(set(leave_out))} groups left out at a time"
    else:
        counts = {label: int((human == label).sum()) for label in LABELS}
        rare = {label: n for label, n in counts.items() if n < _FEWEST}
        _refuse_few(counts, rare, with_corpus=bool(extra))
        n_folds = min(FOLDS, *(n for label, n in counts.items() if label not in rare))
        with warnings.catch_warnings():  # a class of fewer texts than folds: said below, in words
            warnings.simplefilter("ignore", UserWarning)
            kept = StratifiedGroupKFold(n_folds, shuffle=True, random_state=SEED).split(masked, human, own)
            splits = list(kept)
        folds = f"{n_folds} folds stratified by label (seed {SEED}), near-duplicates kept in one fold"
        if rare:
            few = ", ".join(f"{label} {n}" for label, n in rare.items())
            folds += f"; too few texts to say how a class is confused: {few}"
    machine, probability = np.full(len(masked), "unrelated", dtype=object), np.full(len(masked), np.nan)
    for learn, judge in splits:
        apart = ~np.isin(others, own[judge])
        texts = [masked[i] for i in learn] + [t for t, keep in zip(extra, apart, strict=True) if keep]
        own_texts = len(learn) if extra else None
        model = _fitted(texts, np.concatenate([human[learn], extra_labels[apart]]), own=own_texts)
        open_ = [i for i in judge if not masked[i].screened_out]
        if open_:
            chances = _chances(model, [masked[i] for i in open_])
            machine[open_] = model.classes_[chances.argmax(axis=1)]
            probability[open_] = chances.max(axis=1)
    return CrossValidation(human, machine, probability, tuple(map(str, sample["patent_id"])), folds)


def _refuse_few(counts: Mapping[str, int], rare: Mapping[str, int], *, with_corpus: bool) -> None:
    """Raise InputError where there are too few texts to hold any back: of each class, or of all where the corpus has
    the rare ones."""
    if with_corpus and sum(counts.values()) >= _FEWEST * len(LABELS) and len(rare) < len(counts):
        return
    advice = f"Add patents to the sample: at least {_FEWEST * len(LABELS)} in all, {_FEWEST} of a class"
    problems = [Problem(f"only {n} texts of a class", advice, column=HUMAN, value=c) for c, n in rare.items()]
    if problems:
        raise InputError(problems, "the labeller cannot be cross-validated")


def near_duplicates(masked: Sequence[MaskedText]) -> np.ndarray:
    """Group of each text (text,): texts joined by a chain of near-duplicates share a number."""
    from scipy.sparse.csgraph import connected_components

    vectors = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit_transform(_joined(masked))
    alike = (vectors @ vectors.T).tocsr()
    alike.data = np.where(alike.data >= NEAR_DUPLICATE, 1.0, 0.0)
    alike.eliminate_zeros()
    return connected_components(alike, directed=False)[1]


def _model() -> Pipeline:
    """Words of the text (weight 2), words around mentions (weight 3), and the cues; balanced logistic regression."""
    words = make_pipeline(
        FunctionTransformer(_joined), TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=3)
    )
    near = make_pipeline(
        FunctionTransformer(_near),
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=3, token_pattern=r"(?u)\b\w+\b"),
    )
    features = FeatureUnion(
        [("words", words), ("near", near), ("cues", FunctionTransformer(_cues))],
        transformer_weights={"words": 2.0, "near": 3.0},
    )
    return make_pipeline(features, LogisticRegression(C=1.0, solver="newton-cg", class_weight="balanced"))


def _fitted(texts: Sequence[MaskedText], labels: np.ndarray, own: int | None = None) -> Pipeline:
    """The model fitted to texts; the first ``own`` of them, the user's, count ``OWN_WEIGHT`` times."""
    weight = np.where(np.arange(len(texts)) < (own or 0), OWN_WEIGHT, 1.0)
    with threadpool_limits(1):  # matrices this small are faster on one thread, by a factor of four
        return _model().fit(texts, labels, logisticregression__sample_weight=weight)


def _chances(model: Pipeline, texts: Sequence[MaskedText]) -> np.ndarray:
    """Probability of each class (text, label). What never mentions rare earths can neither use nor enhance them."""
    with threadpool_limits(1):
        chances = model.predict_proba(texts)
    silent = np.array([not text.mentioned for text in texts])
    chances[np.ix_(silent, np.isin(model.classes_, ["using", "enhancing"]))] = 0.0
    return chances / chances.sum(axis=1, keepdims=True)


def _human(texts: pd.DataFrame) -> np.ndarray:
    return texts[HUMAN].to_numpy(dtype=object)


def _joined(masked: Sequence[MaskedText]) -> list[str]:
    return [text.joined for text in masked]


def _near(masked: Sequence[MaskedText]) -> list[str]:
    return [text.near for text in masked]


def _cues(masked: Sequence[MaskedText]) -> np.ndarray:
    return np.array([text.cues for text in masked])


def _labels_by_text(sample: pd.DataFrame, validation: CrossValidation) -> dict[Any, tuple[str, float]]:
    rows = zip(sample["title"], sample["abstract"], validation.machine, validation.probability, strict=True)
    return {_key(title, abstract): (str(label), float(p)) for title, abstract, label, p in rows}


def _key(title: str, abstract: str) -> tuple[str, str]:
    return title.strip(), abstract.strip()
