import subprocess
import sys
import zoneinfo
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from chalicelib import zones
from chalicelib.zones import UnknownZone, names, zone


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "/",
        "..",
        "../zones",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe/../Europe/Berlin",
        "Europe//Berlin",
        "Europe/Berlin/",
        "Europe/Berlin\n",
        "Europe/Berlin\0",
        " Europe/Berlin",
        "europe/berlin",
        "EUROPE/BERLIN",
        "America",
        "Europe/Atlantis",
        "zone.tab",
        "__init__.py",
        "localtime",
        "posixrules",
        "CET-1CEST",
        "UTC+1",
        "\udcff",
        "Europe/B\u0435rlin",
        "A" * 10_000,
    ],
)
def test_what_is_no_name_in_the_database_is_unknown(name: str) -> None:
    with pytest.raises(UnknownZone, match="IANA time zone such as Europe/Berlin"):
        zone(name)


def test_every_name_is_a_zone() -> None:
    assert len(names()) > 500
    for name in sorted(names()):
        assert zone(name).key == name
        assert zone(name).utcoffset(datetime(2026, 7, 1)) is not None  # noqa: DTZ001  # local, as zones are asked
    assert zone("Europe/Berlin").utcoffset(datetime(2026, 7, 1)) == timedelta(hours=2)  # noqa: DTZ001


def test_the_machines_own_database_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes())
    (tmp_path / "Atlantis").write_bytes(files("tzdata").joinpath("zoneinfo", "UTC").read_bytes())
    zoneinfo.reset_tzpath([tmp_path])
    zones.zone.cache_clear()
    try:
        assert zoneinfo.ZoneInfo.no_cache("Europe/Berlin").utcoffset(datetime(2026, 7, 1)) == timedelta(hours=9)  # noqa: DTZ001
        assert zone("Europe/Berlin").utcoffset(datetime(2026, 7, 1)) == timedelta(hours=2)  # noqa: DTZ001
        with pytest.raises(UnknownZone):
            zone("Atlantis")
    finally:
        zoneinfo.reset_tzpath()


def test_a_cold_start_pays_for_no_calendar() -> None:
    heavy = ["zoneinfo", "dateutil", "importlib.resources"]
    code = f"import sys, chalicelib.tasks.cursor; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
