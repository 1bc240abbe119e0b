"""The report in a browser: drawn without errors or requests, and it answers the reader."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from analysis import report
from analysis.laws.powerlaw import Law
from analysis.report import ReportSettings
from analysis.sources import load
from analysis.sources.schema import Experiment
from tests.analysis import storage_fixture as planted
from tests.conftest import PATIENCE

pytestmark = pytest.mark.browser

SETTINGS = ReportSettings(
    law=Law("sigma", "test/kl", (0.03, 0.27)), server="http://localhost:5000", experiment_id="7"
)


@dataclass
class Visit:
    """An opened report, and what went wrong in it."""

    page: Any
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """An experiment whose report has every section, and whose trials have runs."""
    trials = [*planted.digits_experiment(5), *planted.alias_trials(5)]
    storage = planted.write(tmp_path_factory.mktemp("storage"), trials)
    loaded = load.from_storage(storage, "imaginary-noise")
    runs = loaded.trials.assign(run_id=[f"run{k}" for k in range(len(loaded.trials))])
    return replace(loaded, trials=runs)


@pytest.fixture(scope="module")
def path(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report.write(experiment, tmp_path_factory.mktemp("report"), SETTINGS)


def visit(browser: Any, path: Path, **context: Any) -> Visit:
    """Open the report and wait until every figure is drawn."""
    found = entered(browser, path, **context)
    found.page.wait_for_selector("html[data-ready]", state="attached")
    return found


def entered(browser: Any, path: Path, **context: Any) -> Visit:
    """Open the report, whose figures are yet to be drawn."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE)
    found = Visit(page)
    page.on("console", lambda message: found.faults.append(message.text))
    page.on("pageerror", lambda error: found.faults.append(str(error)))
    page.on("request", lambda request: found.requests.append(request.url))
    page.goto(path.as_uri(), wait_until="commit")  # it may load itself again before all is there
    return found


@pytest.fixture(scope="module")
def opened(browser: Any, path: Path) -> Visit:
    return visit(browser, path, viewport={"width": 1280, "height": 900})


def test_every_figure_is_drawn_without_an_error_or_a_request(opened: Visit, path: Path) -> None:
    plots = opened.page.locator(".plot")
    assert plots.count() >= 10
    for number in range(plots.count()):
        assert plots.nth(number).locator("svg.main-svg").count() >= 1
        assert plots.nth(number).locator("g.trace").count() >= 1
    assert opened.faults == []
    assert [url for url in opened.requests if not url.startswith(("data:", "blob:"))] == [
        path.as_uri()
    ]


def test_the_legend_shows_the_law(opened: Visit) -> None:
    legend = opened.page.locator("#kl_sigma .legendtext").all_text_contents()
    assert any("ν = 1.1" in text and "0.03–0.27" in text and "n = 45" in text for text in legend)


def test_the_dial_changes_the_images(opened: Visit) -> None:
    gallery = opened.page.locator(".gallery").first
    assert gallery.locator(".level:visible").count() == 1
    before = gallery.locator(".level:visible img").first.get_attribute("src")
    dial = gallery.locator("input[type=range]")
    dial.focus()
    opened.page.keyboard.press("End")
    assert gallery.locator("output").inner_text() == "σ = 0.27"
    noisy = gallery.locator(".level:visible img").nth(1)
    assert noisy.evaluate("image => image.naturalWidth") > 0
    opened.page.keyboard.press("Home")
    assert gallery.locator("output").inner_text() == "σ = 0.03"
    assert gallery.locator(".level:visible img").first.get_attribute("src") == before
    assert gallery.locator(".level:visible").count() == 1


def test_trials_are_sorted_filtered_and_opened(opened: Visit, experiment: Experiment) -> None:
    box = opened.page.locator(".trials")
    rows, count = box.locator("tbody tr"), len(experiment.trials)
    assert box.locator("output").inner_text() == f"{count} of {count}"
    box.locator("button.more").click()
    assert rows.count() == count
    heads = box.locator("th").all_inner_texts()
    sigma = [text.split()[0] for text in heads].index("σ")
    box.locator("th button", has_text="σ").first.click()
    values = [
        float(text)
        for text in rows.locator(f"td:nth-child({sigma + 1})").all_inner_texts()
        if text
    ]
    assert values == sorted(values)
    assert len(set(values)) > 3
    box.locator("input").fill("sigma=0.03 seed<1")
    wanted = experiment.trials.query("sigma == 0.03 and seed < 1")
    assert 0 < len(wanted) < count
    assert rows.count() == len(wanted)
    rows.first.click()
    detail = box.locator("td.detail")
    assert detail.locator("img").count() == 3
    detail.locator("svg.main-svg").first.wait_for()
    ticks = [float(text) for text in detail.locator(".ytick text").all_text_contents()]
    assert len(ticks) > 1
    assert ticks == sorted(ticks), "a tick of a logarithmic axis shows its whole number"
    assert opened.faults == []
    rows.first.click()
    assert detail.count() == 0
    box.locator("input").fill("")


@pytest.mark.parametrize(
    ("filter_", "kept"),
    [
        ("d_z=100", "all"),  # of a field with one value
        ("status=finished", "some"),
        ("data=digits", "all"),
        ("data=mnist", "none"),
        ("likelihood=laplace", "some"),  # as the model says, so that it is no column
        ("test/kl>0", "some"),
        ("network=Conv", "all"),
        ("sigma=0.03 foo=3", "no field foo"),
    ],
)
def test_trials_are_filtered_by_any_field(
    opened: Visit, experiment: Experiment, filter_: str, kept: str
) -> None:
    box, count = opened.page.locator(".trials"), len(experiment.trials)
    box.locator("input").fill(filter_)
    told = box.locator("output").inner_text()
    box.locator("input").fill("")
    if kept == "some":
        assert told.endswith(f" of {count}")
        assert 0 < int(told.split()[0]) < count
    else:
        assert told == {"all": f"{count} of {count}", "none": f"0 of {count}"}.get(kept, kept)


def test_a_heading_sorts_wherever_it_is_pressed(opened: Visit) -> None:
    head = opened.page.locator(".trials th").nth(1)
    for place in (0.03, 0.97):
        before = head.get_attribute("aria-sort")
        size = head.bounding_box()
        head.click(position={"x": place * size["width"], "y": place * size["height"]})
        assert head.get_attribute("aria-sort") != before


def test_no_label_of_a_trial_runs_under_its_pictures(opened: Visit) -> None:
    opened.page.locator(".trials input").fill("sigma=0.03 seed<1")
    opened.page.locator(".trials tbody tr").first.click()
    label = opened.page.locator(".trials .strip span").first
    label.evaluate("one => { one.textContent = 'samples of the prior, decoded'; }")
    picture = opened.page.locator(".trials .strip img").first
    assert label.evaluate("one => one.scrollWidth <= one.clientWidth")
    ends, begins = (one.bounding_box() for one in (label, picture))
    assert ends["x"] + ends["width"] <= begins["x"]
    opened.page.locator(".trials input").fill("")


def test_a_term_leads_to_its_definition_where_it_is_first_met(browser: Any, path: Path) -> None:
    page = visit(browser, path, viewport={"width": 1280, "height": 900}).page
    links = page.locator("a.term")
    targets = [link.get_attribute("href") for link in links.all()]
    assert len(targets) == len(set(targets)) >= 4
    assert page.locator("details a.term").count() == 0, "a folded text is not met first"
    told = page.locator(".answer a.term").all_inner_texts()
    assert told[0] == "ν"
    entries = page.locator("dl.terms")
    assert not entries.is_visible()
    links.first.click()
    page.locator(f"{targets[0]} + dd").wait_for()
    assert page.url.endswith(str(targets[0]))


def test_a_gallery_of_one_noise_level_needs_no_dial(browser: Any, tmp_path: Path) -> None:
    storage = planted.write(tmp_path / "storage", planted.digits_experiment(2))
    loaded = load.from_storage(storage, "imaginary-noise")
    trials = loaded.trials.query("model == 'sigma_vae'")
    one = replace(loaded, trials=trials[(trials["sigma"] - 0.09).abs() < 1e-6])
    found = visit(browser, report.write(one, tmp_path / "report"))
    gallery = found.page.locator(".gallery").first
    assert gallery.locator(".level:visible img").count() == 3
    assert gallery.locator("input").count() == 0
    assert found.faults == []


def test_a_point_answers_the_pointer(opened: Visit) -> None:
    opened.page.locator("#kl_sigma").scroll_into_view_if_needed()
    opened.page.locator("#kl_sigma .points path").nth(3).hover(force=True)
    text = opened.page.locator("#kl_sigma .hovertext")
    text.first.wait_for()
    assert "nats/example" in (text.first.text_content() or "")


def test_a_click_opens_the_run(opened: Visit) -> None:
    opened.page.context.route("http://localhost:5000/**", lambda route: route.fulfill(body="run"))
    opened.page.locator("#kl_sigma").scroll_into_view_if_needed()
    with opened.page.expect_popup() as popup:
        opened.page.locator("#kl_sigma .points path").nth(5).click(force=True)
    assert "#/experiments/7/runs/run" in popup.value.url
    popup.value.close()


def background(page: Any, selector: str, name: str) -> str:
    colour: str = page.locator(selector).first.evaluate(
        f"element => getComputedStyle(element).{name}"
    )
    return colour


def test_dark_mode_follows_the_system_and_the_button(browser: Any, path: Path) -> None:
    dark = visit(browser, path, color_scheme="dark")
    assert background(dark.page, "body", "backgroundColor") == "rgb(21, 23, 27)"
    assert background(dark.page, "#kl_sigma .main-svg", "backgroundColor") == "rgb(21, 23, 27)"
    dark.page.locator("button.theme").click()
    assert background(dark.page, "body", "backgroundColor") == "rgb(254, 253, 251)"
    assert background(dark.page, "#kl_sigma .main-svg", "backgroundColor") == "rgb(254, 253, 251)"
    assert dark.faults == []


CUT = """[...document.querySelectorAll('.scroll')].filter(one => !one.closest('details'))
    .map(one => one.scrollWidth - one.clientWidth)"""


PRINT = """document.querySelectorAll('td small').forEach(one => {
    one.textContent = 'no claim, for 7 of its 27 trials are not trained after 20 epochs'; })"""


def test_no_table_is_cut_at_the_side_of_a_desk(browser: Any, path: Path) -> None:
    """Its small print folds, where it would take the last column out of sight."""
    page = visit(browser, path, viewport={"width": 1280, "height": 900}).page
    page.evaluate(PRINT)
    tables = page.evaluate(CUT)
    assert len(tables) >= 2
    assert max(tables) <= 0


@pytest.mark.parametrize("width", [360, 390, 768])
def test_nothing_is_wider_than_a_small_screen(browser: Any, path: Path, width: int) -> None:
    small = visit(
        browser,
        path,
        viewport={"width": width, "height": 740},
        is_mobile=True,
        has_touch=True,
        device_scale_factor=2,
    )
    assert small.page.evaluate("document.documentElement.scrollWidth") <= width
    for plot in small.page.locator(".plot .main-svg").all():
        assert float(plot.get_attribute("width") or 0) <= width
    assert small.page.locator(".modebar").count() == 0, "it would cover the legend"
    assert small.faults == []


def test_a_printed_report_has_every_figure_in_light_colours(browser: Any, path: Path) -> None:
    dark = visit(browser, path, color_scheme="dark")
    assert dark.page.pdf(format="A4", print_background=True).startswith(b"%PDF")
    assert dark.faults == []
    dark.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert background(dark.page, "#kl_sigma .main-svg", "backgroundColor") == "rgb(254, 253, 251)"


def test_a_printed_report_shows_what_paper_can_and_no_more(browser: Any, path: Path) -> None:
    """All tests in words are unfolded; buttons and downloads are left out."""
    page = visit(browser, path, viewport={"width": 1280, "height": 900}).page
    words = page.locator("details p").first
    buttons = page.locator(".plot .modebar-container").first
    page.locator("#kl_sigma").hover()
    assert not words.is_visible()
    assert buttons.count() == 1
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert words.is_visible()
    assert not buttons.is_visible()
    assert not page.locator(".trials input").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert not words.is_visible()
    assert page.locator(".trials input").is_visible()


def test_a_script_from_a_label_does_not_run(opened: Visit) -> None:
    assert opened.page.locator("b", has_text="bold").count() == 0
    assert "alert('reason')" not in "".join(opened.page.locator("script").all_text_contents())


def test_a_thousand_trials_open_whole(browser: Any, tmp_path: Path) -> None:
    storage = planted.write(tmp_path / "storage", planted.many_trials(1000, epochs=20))
    loaded = load.from_storage(storage, "imaginary-noise")
    written = report.write(loaded, tmp_path / "report", SETTINGS)
    assert written.stat().st_size < 15e6
    large = visit(browser, written)
    assert large.page.locator("#kl_sigma .points path").count() >= 1000
    assert large.faults == []


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """What a sweep has that has just begun."""
    storage = planted.write(tmp_path_factory.mktemp("few"), list(planted.sigma_trials(1)))
    return load.from_storage(storage, "imaginary-noise")


@pytest.mark.parametrize("broken", [False, True])
def test_a_watched_page_loads_itself_again(
    browser: Any, few: Experiment, tmp_path: Path, broken: bool
) -> None:
    path = report.write(few, tmp_path / "report", replace(SETTINGS, reload_s=1))
    if broken:  # so that its figures are never drawn
        text = path.read_text("utf-8")
        path.write_text(text.replace('id="plotly">', 'id="plotly">%'), "utf-8")
    opened = entered(browser, path)
    report.write(few, tmp_path / "report", replace(SETTINGS, title="second look"))
    opened.page.get_by_role("heading", name="second look", level=1).wait_for()
    assert bool(opened.faults) == broken


def test_a_watched_page_is_drawn_before_it_loads_itself_again(
    browser: Any, few: Experiment, tmp_path: Path
) -> None:
    path = report.write(few, tmp_path / "report", replace(SETTINGS, reload_s=1))
    text = path.read_text("utf-8")
    for before, after in (
        ('"reload": 1', '"reload": 0.001'),
        ("10000 * Math.max", "1e9 * Math.max"),  # however long the drawing takes here
        ("location.reload()", "console.log(`ready: ${root.dataset.ready}`)"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    path.write_text(text, "utf-8")
    opened = entered(browser, path, bypass_csp=True)  # it admits no edited script
    while not opened.faults:
        opened.page.wait_for_timeout(50)
    assert opened.faults == ["ready: true"]
