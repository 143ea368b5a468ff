"""Several people (or one twice) judge the same patents: what they say together, and how often each is wrong.

Dawid and Skene (1979): each labeller has a confusion of its own, and errs independently of the others given the true
class. Prevalence and confusions are those of highest posterior density, by EM; a weak prior takes labellers to be right
more often than not, which also tells the classes apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from reestim.dims import LABELS

#: Dirichlet weights of a labeller's row: on every label, and more on the right one. Worth five patents of each class.
_EVERY, _RIGHT = 1.0, 4.0
_TOLERANCE, _ROUNDS = 1e-9, 2000
MISSING = -1


@dataclass(frozen=True)
class Consensus:
    """What several labellers say together.

    Parameters
    ----------
    probability
        Of each class given all labels of an item, (item, class).
    confusion
        P(label | true class) of each labeller, (labeller, class, label).
    prevalence
        Share of each class among the items, (class,).
    judged
        Items that each labeller judged, (labeller,).
    right
        Expected share of them that the labeller got right, (labeller,). The confusions lean on their prior, which
        looks worse than this where little was judged.
    """

    probability: Float[np.ndarray, "item label"]
    confusion: Float[np.ndarray, "labeller label label"]
    prevalence: Float[np.ndarray, " label"]
    judged: Int[np.ndarray, " labeller"]
    right: Float[np.ndarray, " labeller"]

    @property
    def doubt(self) -> float:
        """Expected share of items whose most probable class is not the true one."""
        return float(1 - self.probability.max(axis=1).mean())


def consensus(labels: Int[np.ndarray, "item labeller"]) -> Consensus:
    """Classes, confusions and prevalence from the labels of several labellers.

    Parameters
    ----------
    labels
        Place of the label in ``LABELS``, ``MISSING`` where the labeller did not judge; each item has a label at least.

    Returns
    -------
    Consensus

    Examples
    --------
    >>> import numpy as np
    >>> from reestim.labels.dawid_skene import consensus
    >>> people = consensus(np.array([[0, 0, 0], [1, 1, 2], [2, 2, 2], [3, 3, -1]]))
    >>> people.probability.argmax(axis=1).tolist()
    [0, 1, 2, 3]
    """
    n_class = len(LABELS)
    answered = labels != MISSING
    answer = np.eye(n_class)[np.where(answered, labels, 0)] * answered[:, :, None]  # (item, labeller, label)
    probability = (answer.sum(axis=1) + 0.5) / (answer.sum(axis=(1, 2)) + 0.5 * n_class)[:, None]
    prior = _EVERY + _RIGHT * np.eye(n_class)
    prevalence, confusion = np.full(n_class, 1 / n_class), np.tile(prior, (labels.shape[1], 1, 1))
    for _ in range(_ROUNDS):
        prevalence = probability.sum(axis=0) + 1.0
        prevalence = prevalence / prevalence.sum()
        confusion = np.einsum("ik,ilm->lkm", probability, answer) + prior
        confusion = confusion / confusion.sum(axis=2, keepdims=True)
        logarithm = np.log(prevalence) + np.einsum("ilm,lkm->ik", answer, np.log(confusion))
        new = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
        new = new / new.sum(axis=1, keepdims=True)
        moved = float(np.abs(new - probability).max())
        probability = new
        if moved < _TOLERANCE:
            break
    judged = answered.sum(axis=0)
    right = np.einsum("ik,ilk->l", probability, answer) / np.maximum(judged, 1)
    return Consensus(probability, confusion, prevalence, judged, right)
