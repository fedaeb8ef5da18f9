"""What a media costs in write capacity units, counted from the calls as DynamoDB bills them."""

import json
from pathlib import Path

import pytest

from tests.faults import recorded
from tests.media.conftest import Customer, transcode

SAMPLES = Path(__file__).parents[1] / "data/media"


@pytest.mark.parametrize("name", ["gps.jpg", "noaudio.mp4", "text.mov"])
def test_a_media_costs_at_most_12_write_units_from_its_upload_on(customer: Customer, name: str) -> None:
    content = (SAMPLES / name).read_bytes()
    with recorded() as begun:
        media_id = customer.begin(file_name=f"IMG_2392_{name}", size_bytes=len(content), context={"homework_id": 7})[
            "media_id"
        ]
    assert begun.units <= 4
    customer.put(media_id, content)
    with recorded() as run:
        assert transcode(json.dumps({"created": f"originals/{media_id}"})) == []
    failed = customer.media(media_id)["status"] == "failed"
    # A run that fails reports an incident, which is another area's cost.
    assert run.units <= (20 if failed else 12)
    with recorded() as again:
        assert transcode(json.dumps({"created": f"originals/{media_id}"})) == []
    assert again.units <= 1
