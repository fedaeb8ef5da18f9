"""The bill: its arithmetic, what it takes for granted, and the page that quotes it."""

import json
import re
from typing import Any

import pytest

from app import app
from chalicelib import clock
from chalicelib.jobs import sweeping as jobs
from chalicelib.media import sweeping as media
from chalicelib.schedules import sweeping as schedules
from chalicelib.tasks import scheduling
from infra import costs, template
from infra.costs import PRICES, Line
from infra.local import PROJECT
from tests import store
from tests.faults import recorded

PAGE = (PROJECT / "docs/costs.md").read_text()
WORDS = " ".join(PAGE.split())
README = (PROJECT / "README.md").read_text()
CHALICE = json.loads((PROJECT / ".chalice/config.json").read_text())["lambda_functions"]
RUNS = {
    "create_due_instances": scheduling.create_due_instances,
    "sweep_jobs": jobs.sweep,
    "sweep_schedules": schedules.sweep,
    "sweep_uploads": media.sweep,
}


def quoted(row: str, floor: str = "") -> list[float]:
    """The medians of a row of README's figures, told from others of its name by how its floor begins."""
    (cells,) = re.findall(rf"^\| {re.escape(row)} \| ([^|]*) \| {floor}", README, re.MULTILINE)
    return [float(number) for number in re.findall(r"(?:^|· )([0-9.]+)", cells)]


def test_the_page_quotes_what_is_printed() -> None:
    assert costs.bill(costs.SIZES) in PAGE
    assert costs.things() in PAGE
    idling = costs.idling()
    assert f"**{costs.due(idling):.2f} USD a month**" in WORDS
    assert f"{costs.due([*idling, *idling]) - costs.due(idling):.2f} for each further one" in WORDS


def test_a_line_is_its_units_at_their_price() -> None:
    assert Line("a thing", "writes", 4_000_000).usd == pytest.approx(2.50)
    assert Line("a thing", "puts", 2_000).usd == pytest.approx(0.01)
    assert costs.full([Line("a", "alarms", 3), Line("b", "dashboards", 2)]) == pytest.approx(6.30)


def test_what_is_free_is_free_once() -> None:
    assert costs.due([Line("a", "alarms", 10)]) == 0
    assert costs.due([Line("a", "alarms", 6), Line("b", "alarms", 6)]) == pytest.approx(0.20)
    # What is left of one allowance pays for nothing else.
    assert costs.due([Line("a", "alarms", 1), Line("b", "writes", 1_000_000)]) == pytest.approx(0.625)


def test_a_bill_is_the_sum_of_its_lines() -> None:
    rows = [re.split(r" *\| *", row)[1:-1] for row in costs.bill([12_345]).splitlines()[2:]]
    for column in (1, 2):
        *lines, full, free, due = (float(row[column].replace(",", "")) for row in rows)
        assert sum(lines) == pytest.approx(full, abs=0.005 * len(lines))
        assert full + free == pytest.approx(due, abs=0.015)


@pytest.mark.parametrize("reports", [1, 1_000, 100_000, 10_000_000, 1_000_000_000])
def test_more_reports_cost_more_and_each_of_them_less(reports: int) -> None:
    few, many = (costs.full(costs.reporting(count)) for count in (reports, 2 * reports))
    assert few < many
    assert costs.writes_a_report(2 * reports) <= costs.writes_a_report(reports)
    assert costs.KNOWN < costs.writes_a_report(reports) < costs.FIRST_OF_MINUTE + costs.NEW_USER


def test_nothing_that_is_not_reported_is_billed() -> None:
    assert costs.reporting(0) == []


def test_every_price_says_where_it_stands() -> None:
    for price in PRICES.values():
        assert price.source in PAGE
        assert price.usd > 0
    lines = [*costs.idling(), *costs.reporting(1), *costs.videos(1)]
    assert {line.price for line in lines} == set(PRICES)


# -- what is taken for granted ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = template.load()["Resources"]
    return found


def test_the_template_has_as_many_alarms_queues_and_dashboards(resources: dict[str, Any]) -> None:
    kinds = [resource.get("Type") for resource in resources.values()]
    assert kinds.count("AWS::CloudWatch::Alarm") == costs.ALARMS
    assert kinds.count("AWS::CloudWatch::Dashboard") == 1
    assert len([source for source in app.event_sources if hasattr(source, "queue")]) == costs.QUEUES


def test_the_dashboard_shows_few_enough_metrics_to_be_free(resources: dict[str, Any]) -> None:
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(re.sub(r"\$\{.*?}", "x", body))["widgets"]
    metrics = sum(len(widget["properties"].get("metrics", [])) for widget in widgets)
    assert metrics <= 50
    assert f"(ours has {metrics})" in WORDS


def test_functions_have_the_memory_and_disk_that_is_billed(resources: dict[str, Any]) -> None:
    assert CHALICE["api_handler"]["lambda_memory_size"] == costs.API_GB * 1024
    ticks = costs.TICKS.keys() - {"recompute_rollups"}
    assert {CHALICE[name]["lambda_memory_size"] for name in ticks} == {costs.TICK_GB * 1024}
    assert CHALICE["transcode_upload"]["lambda_memory_size"] == costs.TRANSCODER_GB * 1024
    disk = resources["TranscodeUpload"]["Properties"]["EphemeralStorage"]["Size"]
    assert disk - 512 == costs.TRANSCODER_DISK_GB * 1024


def test_every_function_that_runs_by_the_clock_is_billed_as_often_as_it_runs() -> None:
    clocks = {
        source.name: source.schedule_expression
        for source in app.event_sources
        if hasattr(source, "schedule_expression")
    }
    nightly = [name for name, expression in clocks.items() if expression.startswith("cron(")]
    assert nightly == ["recompute_rollups"]
    minutes = {
        name: 1440 if name in nightly else int(re.findall(r"[0-9]+", expression)[0])
        for name, expression in clocks.items()
    }
    assert minutes == {name: round(costs.MINUTES / times) for name, (times, *_) in costs.TICKS.items()}


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_tick_with_nothing_to_do_takes_what_is_billed(name: str) -> None:
    _, reads, writes, _ = costs.TICKS[name]
    with store.installed(), recorded() as ledger:
        RUNS[name](clock.now())
    # Indexes are read as they were some milliseconds ago, at half the price.
    assert (ledger.operations.count("Query") / 2, ledger.units) == (reads, writes)
    assert set(ledger.operations) <= {"Query", "PutItem"}


def test_measured_figures_are_those_of_the_readme() -> None:
    new, known, first, _ = quoted("the same, with an `event_id`", floor="4 WCU")
    assert (new, known, first) == (costs.NEW, costs.KNOWN, costs.FIRST_OF_MINUTE)
    row = "a report of a new · a known failure, of its first in a minute · of a storming one"
    assert quoted(row)[1] == costs.KNOWN_WITHOUT_EVENT_ID
    assert quoted("a tracked event: alone · in a batch of 100")[1] == costs.TRACKED_IN_BATCH
    assert sum(quoted("a media: `POST /media` · from its upload to ready")) == costs.VIDEO_WRITES
    (seconds,) = quoted("storage event to ready, 20 s of 1080p HEVC, by the clock")
    assert seconds == pytest.approx(costs.VIDEO_S, rel=0.2)
    assert quoted("a due task's instance · a minute's heartbeat")[0] == costs.INSTANCE_WRITES
    assert quoted("a minute in which no task is due") == [costs.TICKS["create_due_instances"][1]]
    one_status, _ = quoted("a list page of 25 of one status, of 100 · of 100,000 incidents")
    all_statuses, _ = quoted("a list page of 25, of 100 · of 100,000 incidents")
    assert one_status <= costs.LIST_READS <= all_statuses


def test_as_many_metrics_as_the_code_counts_are_spoken_of() -> None:
    sources = "\n".join(path.read_text() for path in sorted((PROJECT / "chalicelib").rglob("*.py")))
    names = set(re.findall(r'\b(?:count|measure|seconds)\("(\w+)"', sources))
    assert f"Two custom metrics come every minute, {len(names)} when every area is" in WORDS


# -- the command ------------------------------------------------------------------------------------------------------


def test_a_size_of_ones_own_is_a_column(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REPORTS", "250000")
    assert costs.main() == 0
    assert "| no reports | 10,000 | 250,000 | 1,000,000 | 100,000,000 |" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["", "0", "10000"])
def test_no_size_or_a_known_one_is_the_usual_bill(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("REPORTS", given)
    assert costs.main() == 0
    assert capsys.readouterr().out == f"{costs.bill(costs.SIZES)}\n\n{costs.things()}\n"


@pytest.mark.parametrize("given", ["-1", "1e6", "many"])
def test_what_is_no_size_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("REPORTS", given)
    assert costs.main() == 2
    assert "REPORTS must be a number" in capsys.readouterr().err
