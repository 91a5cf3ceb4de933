"""What to train, on what and how: plain values, so that a job can be written to a file and run by another
process, or by several.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from par_core.errors import BadConfigError

__all__ = ["TrainingJob", "as_job"]


class TrainingJob(BaseModel):
    """What to train, on what, how, and where the results go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Literal["segmenter", "attributes", "embedder", "swap"]
    dataset: str
    root: Path
    out: Path
    shared: Path | None = None
    """Folder of crops and outlines, which several runs share; None: ``out``."""
    start: Path | None = None
    """Weights to start from: ImageNet weights, those of an earlier run, or ``compact``: those that PAR ships.
    """
    teacher: Path | None = None
    """A teacher's labels of gender, for the embedder."""
    seed: Annotated[int, Field(ge=0)] = 0
    fold: int | None = None
    """Which of ``folds`` parts is scored on; None: the official split, or a share drawn by the seed."""
    folds: Annotated[int, Field(ge=2)] = 5
    steps: Annotated[int, Field(ge=1)] | None = None
    hours: Annotated[float, Field(gt=0)] | None = None
    """Of ``swap``, instead of ``steps``: as many as fit, measured when the run begins."""
    batch: Annotated[int, Field(ge=1)] | None = None
    rate: Annotated[float, Field(gt=0)] | None = None
    score_every: Annotated[int, Field(ge=0)] | None = None
    patience: Annotated[int, Field(ge=0)] | None = None
    save_every: Annotated[int, Field(ge=1)] = 100
    weighting: Literal["li2015", "none"] = "li2015"
    background: Literal["eliminate", "keep"] = "eliminate"
    round: Literal[1, 2, 3, 4] = 4
    """Which of the recipes in ``par_core.training.segmenter`` or ``par_core.training.describer``."""
    made: Path | None = None
    """Folder of made pictures (``par generate``) to learn from beside the real ones."""
    made_weight: Annotated[float, Field(gt=0, le=10)] = 0.5
    """How often a made picture is drawn, of how often a real one is."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1)] = 1

    @property
    def pictures(self) -> Path:
        """Folder of ``crops`` and ``outlines``."""
        return self.shared or self.out


def as_job(settings: Mapping[str, Any]) -> TrainingJob:
    """A job from JSON types.

    Raises:
        BadConfigError: A key or value is wrong; names the first five.
    """
    try:
        return TrainingJob.model_validate(settings)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']} (got {each.get('input')!r})"
            for each in error.errors()[:5]
        ]
        raise BadConfigError("; ".join(wrong)) from error
