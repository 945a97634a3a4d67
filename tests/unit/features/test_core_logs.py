"""Logs outlive the standard error of the command that configured them."""

import io
import sys
from pathlib import Path

import pytest

from features.core.telemetry import configure_logs, log, logs_in


def test_line_goes_to_what_standard_error_is_when_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    configure_logs("json")
    first.close()
    monkeypatch.setattr(sys, "stderr", second)
    log("ingest").info("ingest.finished", rows=3)
    assert '"rows": 3' in second.getvalue()


def test_lines_go_to_a_file_meanwhile_and_then_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logs_in(tmp_path / "log.jsonl"):
        log("ingest").info("inside")
    log("ingest").info("outside")
    assert "inside" in (tmp_path / "log.jsonl").read_text()
    assert "outside" in capsys.readouterr().err
