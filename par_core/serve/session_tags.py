"""Tags, comparisons and other actions on chosen people for one user: in the pool of threads, within the time
limit, and in the audit log.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from par_core.errors import BadConfigError
from par_core.plurals import number_of
from par_core.query.compare import Comparison
from par_core.serve.forgettings import Forgetting
from par_core.serve.user_session import UserSession
from par_core.tags.change import MOST_AT_ONCE, TagChange
from par_core.tags.of_index import IndexTags
from par_core.tags.record import TaggedPerson

__all__ = ["all_tags", "change_tags", "compare", "named", "start_forgetting", "tags_of"]

_NAMED: Final = 100  # ids in a line of the audit log


async def all_tags(session: UserSession) -> IndexTags:
    """See :meth:`Tagging.all`. Not recorded: it looks at nobody."""
    return await session.app_state.searches.run(session.app_state.tagging.all)


async def tags_of(session: UserSession, person_ids: Iterable[str]) -> dict[str, TaggedPerson]:
    """See :meth:`Tagging.of`. Not recorded: the answer that shows these people is."""
    return await session.app_state.searches.run(session.app_state.tagging.of, list(person_ids))


async def change_tags(
    session: UserSession, person_ids: Sequence[str], change: TagChange
) -> tuple[TaggedPerson, ...]:
    """See :meth:`Tagging.change`."""
    return await session.recorded(
        session.app_state.searches,
        "tag",
        f"{change.what}; {named(person_ids)}",
        lambda: session.app_state.tagging.change(person_ids, change, session.caller.name),
        len,
    )


async def compare(session: UserSession, person_ids: Sequence[str]) -> Comparison:
    """See :meth:`Tagging.compare`."""
    return await session.recorded(
        session.app_state.searches,
        "compare",
        named(person_ids),
        lambda: session.app_state.tagging.compare(person_ids),
        lambda _: 2,
    )


def named(person_ids: Sequence[str]) -> str:
    """Return people as the audit log shows them: how many, and the ids of the first hundred."""
    ids = [one[:64] for one in person_ids[:_NAMED]]
    return f"{number_of(len(person_ids), 'person')}: {' '.join(ids)}" + (
        " ..." if len(person_ids) > _NAMED else ""
    )


async def start_forgetting(session: UserSession, person_ids: Sequence[str], number: int) -> Forgetting:
    """Begin to erase people whom a user has chosen and counted.

    Raises:
        BadConfigError: The number is not that of the people, or these are more than 1,000.
        BusyError: Another erasure is under way.
    """
    ids = list(dict.fromkeys(person_ids))

    def start() -> Forgetting:
        if not ids or len(ids) > MOST_AT_ONCE:
            raise BadConfigError(
                f"{number_of(len(ids), 'person', ',')}; 1 to {MOST_AT_ONCE:,} are erased at once"
            )
        if number != len(ids):
            raise BadConfigError(
                f"not confirmed: {len(ids):,} people were chosen, and the number given is {number:,};"
                " nobody was erased"
            )
        return session.app_state.forgettings.start(ids, session.caller, session.how, session.source)

    # no ids: the line may be written after the erasure has gone through the log
    return await session.recorded(
        session.app_state.searches, "ask_to_forget", number_of(len(ids), "person"), start, lambda _: len(ids)
    )
