"""What the fake models are shown."""

import pytest

from par_core.models.fake import FakeDescriber, FakeSegmenter
from par_core.types import Descriptions


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Images that the segmenter saw, and people that the describer saw."""
    counts = {"images": 0, "people": 0}
    segment, describe = FakeSegmenter.segment, FakeDescriber.describe

    def segmented(self: FakeSegmenter, images: list) -> list:
        counts["images"] += len(images)
        return segment(self, images)

    def described(self: FakeDescriber, cutouts: list) -> Descriptions:
        counts["people"] += len(cutouts)
        return describe(self, cutouts)

    monkeypatch.setattr(FakeSegmenter, "segment", segmented)
    monkeypatch.setattr(FakeDescriber, "describe", described)
    return counts
