"""The page in a real browser: it draws, filters, asks for nothing, and shows hostile text as text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import complaints, opened, requests, wait_until
from run_folders import HOSTILE, add_finding, metrics, rollout, write_run

from r1lite.page.data import Reader, gather
from r1lite.page.document import document
from r1lite.page.folder import open_folder
from r1lite.page.live import Live
from r1lite.page.server import Server
from r1lite.store.ledger import Ledger
from r1lite.types import Verdict

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

READY = "document.documentElement.dataset.ready"
DRAWN = "[...document.querySelectorAll('#training .card .plot')].every((n) => n.firstChild)"


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with opened() as chrome:
        yield chrome


def show(driver: Chrome, folder: Path, *runs: Path) -> None:
    """Open the page of these runs; the console and the network must be silent."""
    path = folder / "page.html"
    path.write_text(document(*gather([Reader(open_folder(run)) for run in runs]).values()))
    driver.get("about:blank")
    complaints(driver), requests(driver)
    driver.get(path.as_uri())
    wait_until(driver, READY)
    wait_until(driver, DRAWN)  # a chart is drawn as soon as the browser knows its width
    assert requests(driver) == [path.as_uri()]
    assert complaints(driver) == []


def choose(driver: Chrome, name: str, value: str) -> str:
    """Set a filter as a user does; returns the line that says how many rollouts were found."""
    script = """
    const field = document.querySelector(`[data-filter="${arguments[0]}"]`);
    field.value = arguments[1];
    field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", {bubbles: true}));
    return document.getElementById("found").textContent;"""
    return driver.execute_script(script, name, value)


def test_charts_are_drawn(driver: Chrome, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo")
    add_finding(folder)
    show(driver, tmp_path, folder)
    titles = driver.execute_script("return [...document.querySelectorAll('#training button.title')].map((n) => n.textContent)")
    assert titles[:4] == ["Reward by rule", "Groups with signal", "Strict and lenient", "Response length"]
    curves = driver.execute_script("return [...document.querySelectorAll('.curve')].map((n) => n.getAttribute('d'))")
    assert len(curves) >= 10
    assert all(curve.startswith("M") and "NaN" not in curve for curve in curves)
    assert driver.execute_script("return document.querySelectorAll('.layer').length") >= 3
    assert driver.execute_script("return document.querySelectorAll('.mark.warning').length") >= 10
    assert "rose from 20.0%" in driver.execute_script("return document.querySelector('.verdict .first').textContent")


def test_filters_find_rollouts(driver: Chrome, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo")
    add_finding(folder, since=2, step=2)
    show(driver, tmp_path, folder)
    assert choose(driver, "text", "42</ANSWER> of p1") == "6 of 24 rollouts"
    assert choose(driver, "outcome", "wrong") == "0 of 24 rollouts"
    assert choose(driver, "text", "") == "12 of 24 rollouts"
    assert choose(driver, "from", "3") == "2 of 24 rollouts"
    assert choose(driver, "problem", "p1") == "1 of 24 rollouts"
    driver.execute_script("document.querySelector('.filters [type=reset]').click()")
    assert choose(driver, "low", "0.5") == "12 of 24 rollouts"
    driver.execute_script("document.querySelector('.filters [type=reset]').click()")
    assert choose(driver, "finding", "0/0") == "16 of 24 rollouts"
    assert complaints(driver) == []


def test_groups_and_the_same_problem_in_another_step_are_shown_side_by_side(driver: Chrome, tmp_path: Path) -> None:
    show(driver, tmp_path, write_run(tmp_path / "demo"))
    driver.execute_script("document.getElementById('show-group').click()")
    assert driver.execute_script("return document.querySelectorAll('.columns .column').length") == 4
    other = "const s = document.getElementById('other-step'); s.selectedIndex = 1; s.dispatchEvent(new Event('change'));"
    driver.execute_script(other)
    facts = driver.execute_script("return [...document.querySelectorAll('.columns .facts')].map((n) => n.textContent.slice(-6))")
    assert facts == ["step 1", "step 2"]
    assert driver.execute_script("return document.querySelector('pre.response .evidence').textContent") == "<"


def test_keys_move_through_charts_and_rollouts(driver: Chrome, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(driver, tmp_path, write_run(tmp_path / "demo"))
    chart = driver.find_element("css selector", "#training svg")
    driver.execute_script("arguments[0].focus()", chart)
    driver.switch_to.active_element.send_keys(Keys.HOME)
    assert driver.execute_script("return document.querySelector('#training .where').textContent") == "step 1"
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert driver.execute_script("return document.getElementById('found').textContent") == "8 of 24 rollouts"
    driver.execute_script("document.querySelector('.rows').focus()")
    before = driver.execute_script("return document.querySelector('.row[aria-selected=true]').dataset.at")
    driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert driver.execute_script("return document.querySelector('.row[aria-selected=true]').dataset.at") != before


def test_hostile_rollouts_are_shown_as_text(driver: Chrome, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "<img src=x onerror=window.hacked=1>")
    rows = [
        [rollout(text, problem=text[:50], answer=Verdict(value=0.0, why=text, spans=((0, 2),)), **{text[:40]: Verdict(value=1.0)})]
        for text in HOSTILE
    ]
    Ledger(folder / "rl" / "rollouts", "rl").write(4, rows)
    for text in HOSTILE:
        add_finding(folder, name=text, title=text, meaning=text, overrides=[text], evidence={text: 1.0})
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"stage": HOSTILE[2], "step": 1, HOSTILE[3]: 1.0, f"reward/{HOSTILE[0]}": 0.5}) + "\n")
    show(driver, tmp_path, folder)
    assert choose(driver, "from", "4") == "20 of 44 rollouts"
    for at in range(len(HOSTILE)):
        driver.execute_script("document.querySelectorAll('.row')[arguments[0]].click()", at)
        shown = driver.execute_script("return document.querySelector('pre.response').textContent")
        assert shown[:9] == "".join(c if c.isprintable() or c == "\n" else f"U+{ord(c):04X}" for c in HOSTILE[at])[:9] or "\ufffd" in shown
    assert driver.execute_script("return window.hacked") is None
    forbidden = "document.querySelectorAll('main img, main script, main iframe, main link, main style, main textarea').length"
    assert driver.execute_script(f"return {forbidden}") == 0
    assert requests(driver) == []
    assert complaints(driver) == []


def test_what_cannot_be_seen_is_shown_by_its_number_and_long_lines_are_cut(driver: Chrome, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo", steps=1)
    rows = [[rollout("a\u202eb\x07c\U000e0041d"), rollout("x" * 100_000, index=1, right=True)]]
    Ledger(folder / "rl" / "rollouts", "rl").write(2, rows)
    show(driver, tmp_path, folder)
    choose(driver, "from", "2")
    assert driver.execute_script("return document.querySelector('pre.response').textContent") == "aU+202EbU+0007cU+E0041d"
    driver.execute_script("document.querySelectorAll('.row')[1].click()")
    assert driver.execute_script("return document.querySelector('.missing').textContent") == (
        "80,000 characters are left out here; the run directory has them"
    )


def test_several_runs_share_the_charts(driver: Chrome, tmp_path: Path) -> None:
    show(driver, tmp_path, write_run(tmp_path / "a"), write_run(tmp_path / "b", shuffled=True, name="countdown"))
    entropy = "[...document.querySelectorAll('#training .card')].find((n) => n.textContent.startsWith('Entropy'))"
    assert driver.execute_script(f"return {entropy}.querySelectorAll('.curve').length") == 2
    assert "b (control)" in driver.execute_script(f"return {entropy}.textContent")
    driver.execute_script("document.querySelectorAll('.toggle input')[1].click()")
    wait_until(driver, f"{entropy}.querySelectorAll('.curve').length === 1")
    assert "cannot be compared" in driver.execute_script("return document.querySelector('.notes').textContent")


@pytest.mark.parametrize(("width", "dark"), [(375, False), (375, True), (1280, True)])
def test_it_fits_a_phone_and_follows_the_colour_scheme(width: int, dark: bool, tmp_path: Path) -> None:
    with opened(width, 800, dark=dark) as driver:
        show(driver, tmp_path, write_run(tmp_path / "demo"))
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 200) is dark


def test_a_run_without_anything_says_so(driver: Chrome, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.yaml").write_text("{}")
    show(driver, tmp_path, tmp_path / "empty")
    text = driver.execute_script("return document.querySelector('main').textContent")
    assert "Nothing has been logged yet." in text
    assert "there are no curves" in text


def test_a_watched_page_follows_the_run_and_keeps_the_filter(driver: Chrome, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo")
    server = Server(Live([Reader(open_folder(folder))]))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    driver.get(server.address)
    wait_until(driver, "document.querySelectorAll('.row').length > 0")
    choose(driver, "outcome", "right")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(metrics(4)) + "\n")
    last = "[...document.querySelectorAll('#training .tick')].some((n) => n.textContent === '4')"
    wait_until(driver, last)
    assert driver.execute_script("return document.querySelector('[data-filter=outcome]').value") == "right"
    assert all(url.startswith(server.address) or url == "data:," for url in requests(driver))
    assert complaints(driver) == []
    server.shutdown()
    server.server_close()
    thread.join()
    wait_until(driver, "document.getElementById('live').textContent.startsWith('the server does not answer')")
