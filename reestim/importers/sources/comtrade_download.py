"""Ask the API of UN Comtrade, one reporter and year at a time; answers are kept as files, as they came.

The key comes from the environment (``COMTRADE_API_KEY``) and goes into a header: it is written nowhere and never
follows a redirection. ``COMTRADE_API_URL`` names another address of the same protocol.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reestim.errors import InputError, Problem
from reestim.importers.countries import CUSTOMS_CODES, alpha3_of_code
from reestim.importers.hs import RARE_EARTHS
from reestim.importers.imported import ImportOptions
from reestim.importers.sources.comtrade import flow_problems
from reestim.wording import closest

KEY, ADDRESS = "COMTRADE_API_KEY", "COMTRADE_API_URL"
DEFAULT_ADDRESS = "https://comtradeapi.un.org"
PATH = "/data/v1/get/C/A/HS"
#: Tries of a question, and seconds before the second (doubled each time); the API asks for a pause of its own with 429.
TRIES, FIRST_PAUSE, LONGEST_PAUSE = 5, 2.0, 120.0
TIMEOUT = 120.0
_AGAIN = {408, 429, 500, 502, 503, 504}


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def download(choices: ImportOptions, folder: Path, pause: Callable[[float], None] = time.sleep) -> list[Path]:
    """Answers for all ``reporters`` and ``years`` (codes ``hs``, flow), as ``comtrade-<reporter>-<year>.json``.

    Raises InputError where the key, reporters or years are missing, and where the API refuses or does not answer;
    answers that came are not kept then.
    """
    key = os.environ.get(KEY, "").strip()
    address = os.environ.get(ADDRESS, "").strip() or DEFAULT_ADDRESS
    codes, problems = _reporters(choices.reporters)
    problems += flow_problems(choices)
    if not key:
        advice = f"Set {KEY} to your key (free at comtradedeveloper.un.org), or give files"
        problems.append(Problem("there is no key for the API", advice))
    if choices.years is None:
        advice = "Say the years, like --years 2005-2016, or give files"
        problems.append(Problem("no years are named", advice, column="--years"))
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
        problems.append(Problem("this is not an address", "Write https://...", column=ADDRESS, value=address))
    if problems or choices.years is None:
        raise InputError(problems, "nothing was downloaded")
    folder.mkdir(exist_ok=True)
    files = []
    for reporter, code in codes.items():
        for year in range(choices.years[0], choices.years[1] + 1):
            question = {
                "reporterCode": code,
                "period": year,
                "cmdCode": ",".join(choices.hs or RARE_EARTHS),
                "flowCode": choices.flow or "M",
                "partner2Code": 0,
                "customsCode": "C00",
                "motCode": 0,
                "maxRecords": 250_000,
                "includeDesc": "true",
            }
            url = f"{address.rstrip('/')}{PATH}?{urlencode(question)}"
            files.append(folder / f"comtrade-{reporter}-{year}.json")
            files[-1].write_bytes(_ask(url, key, f"{reporter}, {year}", pause))
    return files


def _reporters(names: Sequence[str]) -> tuple[dict[str, str], list[Problem]]:
    """Codes of the customs statistics by alpha-3 code."""
    known = {alpha3: code for code, alpha3 in alpha3_of_code().items()}
    known |= {alpha3: code for code, alpha3 in CUSTOMS_CODES.items()}
    if not names:
        problem = Problem("no reporter is named", "Say --reporter USA, or give files", column="--reporter")
        return {}, [problem]
    problems = [
        Problem("unknown country", closest(name, known), column="--reporter", value=name)
        for name in names
        if name not in known
    ]
    return {name: known[name] for name in names if name in known}, problems


def _ask(url: str, key: str, what: str, pause: Callable[[float], None]) -> bytes:
    """The bytes of one answer, after as many tries as it takes. Raises InputError when there is none."""
    opener = build_opener(_NoRedirect)
    said = ""
    for attempt in range(TRIES):
        wait = FIRST_PAUSE * 2**attempt
        try:
            request = Request(url, headers={"Ocp-Apim-Subscription-Key": key, "Accept": "application/json"})
            with opener.open(request, timeout=TIMEOUT) as response:
                body = response.read()
            if isinstance(json.loads(body), dict):
                return body
            said = "the answer is no JSON object"
        except HTTPError as error:
            said = f"HTTP {error.code}"
            if error.code in (401, 403):
                problem = Problem(f"the API refuses the key ({said})", f"Check {KEY} and its quota", value=what)
                raise InputError(problem, "nothing was downloaded") from None
            if error.code not in _AGAIN:
                problem = Problem(f"the API refuses the question ({said})", "Check reporter, years, codes", value=what)
                raise InputError(problem, "nothing was downloaded") from None
            wait = max(wait, _asked_for(error.headers.get("Retry-After")))
        except ValueError:
            said = "the answer is no JSON"
        except (URLError, OSError, http.client.HTTPException) as error:
            said = type(getattr(error, "reason", error)).__name__
        if attempt < TRIES - 1:
            pause(min(wait, LONGEST_PAUSE))
    problem = Problem(f"the API did not answer in {TRIES} tries ({said})", "Try later, or download by hand", value=what)
    raise InputError(problem, "nothing was downloaded")


def _asked_for(header: str | None) -> float:
    return float(header) if header and header.strip().isdigit() else 0.0
