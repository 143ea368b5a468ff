"""The report in a real browser: figures are there, a phone need not scroll sideways, nothing is asked of the network.

Skips, and says so, where no Chromium with its driver is installed. Screenshots go to the folder in REESTIM_SCREENSHOTS.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import reestim as ree
from tests.interface.browser import CHROMIUM, DRIVER, LAPTOP, PHONE, Browser, browser
from tests.interface.conftest import with_everything

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium and chromedriver are installed: the page is not seen in a browser"
)

#: What is wrong with the page as it is shown, in sentences. A figure is missing where it has no size or one colour.
LOOK = r"""
const found = [], width = document.documentElement.clientWidth;  // a phone widens innerWidth
for (const img of document.images) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  if (!img.complete || !img.naturalWidth) { found.push('missing figure: ' + img.alt.slice(0, 60)); continue; }
  const context = canvas.getContext('2d');
  context.drawImage(img, 0, 0, 64, 64);
  const pixels = new Uint32Array(context.getImageData(0, 0, 64, 64).data.buffer);
  if (new Set(pixels).size < 3) found.push('blank figure: ' + img.alt.slice(0, 60));
  if (img.alt.length < 60) found.push('no words for a figure');
}
if (document.documentElement.scrollWidth > width)
  found.push('the page is wider than the window: ' + document.documentElement.scrollWidth);
for (const box of document.querySelectorAll('section *, header *'))
  if (!box.closest('.scroll, pre, .skip') && box.getBoundingClientRect().right > width + 1)
    found.push('runs out of the window: ' + box.tagName + ' ' + box.textContent.slice(0, 40));
for (const table of document.querySelectorAll('table'))
  if (!table.caption || !table.querySelector('thead th[scope=col]') || !table.querySelector('tbody th[scope=row]'))
    found.push('a table without caption or heads: ' + table.id);
for (const box of document.querySelectorAll('.scroll, pre'))
  if (box.scrollWidth > box.clientWidth + 1 && box.tabIndex !== 0) found.push('cannot be scrolled with keys');
if (document.querySelector('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])')) found.push('focus out of order');
const heads = [...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1]);
heads.forEach((level, k) => { if (k && level > heads[k - 1] + 1) found.push('a level of heading is skipped'); });
return found;
"""

#: Text whose contrast with its background is below 4.5 (WCAG 2, level AA).
CONTRAST = r"""
const parts = text => text.match(/[\d.]+/g).map(Number);
const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const found = new Set();
for (const box of document.querySelectorAll('body *')) {
  if (![...box.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  let behind = box, back = [255, 255, 255];
  while (behind) {
    const c = parts(getComputedStyle(behind).backgroundColor);
    if (c.length === 3 || c[3] > 0) { back = c; break; }
    behind = behind.parentElement;
  }
  const [a, b] = [light(parts(getComputedStyle(box).color)), light(back)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) found.add(box.tagName + '.' + box.className + ' ' + ratio.toFixed(2));
}
return [...found];
"""


@pytest.fixture(scope="module")
def page(fake_run: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ree.report(with_everything(fake_run.copy(deep=True)), tmp_path_factory.mktemp("seen") / "report")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_the_page_as_it_is_seen(page: Path, window: Browser, size: tuple[int, int]) -> None:
    window.open(page, size)
    assert window.run(LOOK) == []
    assert window.run(CONTRAST) == []
    assert window.problems() == []
    asked = {address.partition(":")[0] for address in window.requests(page)}
    assert "file" in asked
    assert asked <= {"file", "data"}, "the page stands alone"
    assert window.run("return document.images.length") >= 15
    picture = window.whole_page()
    assert len(picture) > 50_000
    if folder := os.environ.get("REESTIM_SCREENSHOTS"):
        (Path(folder) / f"report-{size[0]}.png").write_bytes(picture)


def test_keys_lead_through_the_page_in_its_order(page: Path, window: Browser) -> None:
    window.open(page, LAPTOP)
    window.press("Tab")
    window.wait_for("document.activeElement !== document.body")
    where: Any = window.run(
        "const a = document.activeElement, r = a.getBoundingClientRect(); return [a.className, r.left, r.width > 0]"
    )
    assert where == ["skip", 0, True], "the first stop is the link to the summary, and it is seen"
    seen = []
    for _ in range(12):
        window.press("Tab")
        seen.append(window.run("return [...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen), "no trap"


def test_the_checks_see_what_is_wrong(page: Path, window: Browser, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blank = base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>').decode()
    broken = re.sub(r"svg\+xml;base64,[^\"]+", "svg+xml;base64,AAAA", text, count=1)
    head, tail = broken.split("svg+xml;base64,AAAA", 1)
    broken = head + "svg+xml;base64,AAAA" + re.sub(r"svg\+xml;base64,[^\"]+", f"svg+xml;base64,{blank}", tail, count=1)
    wide = '<p style="width: 900px; color: #bbb">a wide pale line</p><script>console.error("x")</script></main>'
    wrong = tmp_path / "wrong.html"
    wrong.write_text(broken.replace("</main>", wide), encoding="utf-8")
    window.open(wrong, PHONE)
    found = " | ".join(window.run(LOOK))
    for part in ("missing figure", "blank figure", "wider than the window"):
        assert part in found
    assert any(line.startswith("P.") for line in window.run(CONTRAST))
    assert any("Content Security Policy" in line for line in window.problems()), "a script is refused, and seen"
