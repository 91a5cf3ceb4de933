"""Preloaded into Dask workers by tests: their segmenter has other weights than the one of the driver."""

from par_core.models.fake import FakeSegmenter

FakeSegmenter.fingerprint = "fake-segmenter-of-another-machine"
