"""A tiny model for BRISQUE, in the format of its authors."""

from pathlib import Path

from par_core.archive.brisque import FEATURES

VECTORS = (
    "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.5\nnr_class 2\ntotal_sv 2\nrho -10\nprobA 6.3\nSV\n3"
    " 1:0.5 36:-1\n-4.5 2:0.25\n"
)
RANGES = "x\n-1 1\n" + "".join(f"{i} {i} {i + 2}\n" for i in range(1, FEATURES + 1))


def written(folder: Path, vectors: str = VECTORS, ranges: str = RANGES) -> Path:
    """Write both files; the path is the one that the user names."""
    (folder / "allmodel").write_text(vectors)
    (folder / "allrange").write_text(ranges)
    return folder / "allmodel"
