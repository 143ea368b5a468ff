"""What a sound dataset should make its reader think of: files that nothing reads, effects taken as independent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reestim.data.label_record import FILE as RECORD_FILE
from reestim.data.meta import DATASET_FILE
from reestim.data.published_effects import COVARIANCE, EFFECTS, effect_rows
from reestim.data.schemas import SCHEMAS

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

#: Read by `reestim label`, not as tables of the dataset.
_LABELLED = ("patents", "patent_shares")
#: Written for people.
_FOR_PEOPLE = ("readme", "license", "licence", "citation", "changelog")


def remarks(data: Dataset) -> list[str]:
    """Sentences on a dataset without problems; empty for most.

    Examples
    --------
    >>> import reestim as ree
    >>> from reestim.data.remarks import remarks
    >>> remarks(ree.load_dataset("rare-earths-2010"))
    []
    """
    out = []
    if unread := unread_files(data):
        out.append(f"Nothing reads {', '.join(unread)} in {data.path}: what is in there has no effect.")
    if EFFECTS in data and COVARIANCE not in data:
        rows: Any = effect_rows(data[EFFECTS])
        for (outcome, countries), group in rows.groupby(["outcome", "countries"], sort=False):
            if len(group) > 1:
                out.append(
                    f"{EFFECTS}.csv: {len(group)} effects on {outcome} ({countries}) count as independent. If they are "
                    f"of one regression, give their covariances in {COVARIANCE}.csv."
                )
    return out


def unread_files(data: Dataset) -> list[str]:
    """Files in the folder of the dataset, not in its subfolders, that no part of REEstim reads."""
    if not data.path.is_dir():
        return []
    known = {DATASET_FILE, RECORD_FILE, *(f"{stem}.csv" for stem in SCHEMAS)}
    return sorted(
        path.name
        for path in data.path.iterdir()
        if path.is_file()
        and path.name not in known
        and not path.name.startswith(".")
        and path.stem not in _LABELLED
        and path.stem.lower() not in _FOR_PEOPLE
    )
