"""Metrics, as CloudWatch reads them from the log."""

import json

import pytest

from chalicelib import observability


def test_a_metric_tells_its_stage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # Switched on, and without what other tests have counted.
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    observability.metrics.clear_metrics()
    observability.count("RunsFinished")
    observability.flush()
    line = json.loads(capsys.readouterr().out)
    assert (line["RunsFinished"], line["service"], line["stage"]) == ([1.0], "groundcrew", "test")
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "service"]]
    observability.flush()
    assert capsys.readouterr().out == ""
