"""Every report answers, to admins."""

import pytest

from tests.conftest import INGEST_KEY, Door

REPORTS = ("bypasses", "endpoints", "errors", "features", "fixes", "overview", "trials", "users")


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_answers_admins(swift: Door, report: str) -> None:
    found = swift.admin("GET", f"/analytics/{report}?hours=2160&dimension=x&project_id=7")
    assert (found.status, found.json["hours"]) == (200, 2160)
    assert swift.admin("GET", f"/analytics/{report}").json["hours"] == 24
    assert swift.customer("GET", f"/analytics/{report}").status == 403
    assert swift.call("GET", f"/analytics/{report}", x_ingest_key=INGEST_KEY).status == 401
    for query in ("hours=0", "hours=2161", "hours=x", "project_id=0", "dimension="):
        assert swift.admin("GET", f"/analytics/{report}?{query}").status == 400
