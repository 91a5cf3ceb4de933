"""The contracts of models. Every model of every profile, and the fake for tests, keeps them."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from par_core.types import Descriptions, Embeddings, ImageU8, PersonInstances

__all__ = ["PersonDescriber", "PersonSegmenter", "TextEncoder"]


@runtime_checkable
class PersonSegmenter(Protocol):
    """Finds the people in images and outlines each of them.

    Attributes:
        fingerprint: Digest of weights, preprocessing, thresholds and code version. Two segmenters with
            equal fingerprints give equal people within the stated tolerance of the runtimes.
        summary: One phrase for people: architecture, runtime, precision.
    """

    fingerprint: str
    summary: str

    def segment(self, images: Sequence[ImageU8]) -> list[PersonInstances]:
        """Segment a batch of images of any sizes.

        Returns:
            One PersonInstances an image, in order; at least length 0 each, highest score first.
        """
        ...


@runtime_checkable
class PersonDescriber(Protocol):
    """Turns cut-outs of people into search embeddings and attribute probabilities, in one call.

    Attributes:
        fingerprint: As for PersonSegmenter; covers embedding and attributes.
        embedding_fingerprint: Digest of the joint image and text model, which a *query* must share.
        attributes: Names of the k attributes, the columns of the probabilities.
        thresholds: Probability from which each attribute counts as seen, chosen on validation people.
        embedding_size: Size d of an embedding.
        aspect: Height divided by width of the cut-outs it prefers (2.0 for standing people, 1.0 for CLIP).
        batch_size: Number of cut-outs in a call that makes it quick on this machine.
        summary: One phrase for people.
    """

    fingerprint: str
    embedding_fingerprint: str
    attributes: tuple[str, ...]
    thresholds: tuple[float, ...]
    embedding_size: int
    aspect: float
    batch_size: int
    summary: str

    def describe(self, cutouts: Sequence[ImageU8]) -> Descriptions:
        """Describe n cut-outs of any sizes; n may be 0."""
        ...


@runtime_checkable
class TextEncoder(Protocol):
    """Embeds sentences into the space of a PersonDescriber with the same embedding fingerprint.

    Attributes:
        embedding_fingerprint: Must equal the store's before a query may run.
        logit_scale: Factor on the cosine before a softmax over prompts (CLIP's exp(logit_scale)).
    """

    embedding_fingerprint: str
    logit_scale: float

    def encode(self, sentences: Sequence[str]) -> Embeddings:
        """Embed sentences: (n, d), rows of L2 norm 1. One that is longer than the encoder reads at once is
        embedded in parts, and the parts are joined.
        """
        ...

    def parts(self, sentence: str) -> tuple[str, ...]:
        """Return the parts in which a sentence is read; itself where the encoder reads it at once."""
        ...

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """Return the words that the encoder never saw in training; none if it knows all or cannot tell."""
        ...
