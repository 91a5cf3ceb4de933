"""Task that makes the pictures of one shard. Safe to run twice: the same shard gives the same files."""

from pathlib import Path

from par_core.errors import BadConfigError
from par_core.made.compositing import composite_shard
from par_core.made.importing import import_shard
from par_core.made.plan import MakingPlan
from par_core.made.recolouring import recolour_shard
from par_core.made.swapping import swap_shard
from par_core.models.out_of_memory import out_of_memory_may_pass

__all__ = ["make_shard"]


def make_shard(folder: str, shard: int) -> None:
    """Make one shard of the plan in a folder, whatever its kind.

    Raises:
        BadConfigError: The plan is of a kind that this version does not know.
        TransientError: Out of memory.
    """
    plan = MakingPlan.open(Path(folder))
    with out_of_memory_may_pass(f"shard {shard}"):
        match plan.kind:
            case "recolour":
                recolour_shard(plan, shard)
            case "composite":
                composite_shard(plan, shard)
            case "import":
                import_shard(plan, shard)
            case "swap":
                swap_shard(plan, shard)
            case _:
                raise BadConfigError(f"{folder}: pictures cannot be made by {plan.kind!r}")
