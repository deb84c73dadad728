"""A page of a list as a reply: the steps that every list takes."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from backbeat.api import pagination
from backbeat.api.replies import Reply, page

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class PagedQuery(Protocol):
    """A request for a page of a list; its other fields say what the list is of."""

    limit: int
    next_page: str | None

    def model_dump(self, *, exclude: set[str]) -> dict[str, object]:
        """Returns the fields but for some."""
        ...


class Reading(Protocol[T_co]):
    """Reads a page of something."""

    def __call__(self, *, limit: int, cursor: str | None) -> tuple[Sequence[T_co], str | None]:
        """Returns up to so many behind a cursor, and the next page's cursor."""
        ...


def listed(
    query: PagedQuery,
    read: Reading[T],
    view: Callable[[T], object],
    **beside: object,
) -> Reply:
    """Returns a page of a list, and the token of the next one.

    `beside` is what the list is of as well, such as an id of the path: a token is of one list only.

    Raises:
        InvalidArgument: the token is of another list.
    """
    parameters = {**query.model_dump(exclude={"next_page", "limit"}), **beside}
    found, following = read(
        limit=query.limit, cursor=pagination.decode(query.next_page, parameters)
    )
    return page([view(one) for one in found], pagination.encode(following, parameters))
