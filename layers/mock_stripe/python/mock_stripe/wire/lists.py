"""Lists: newest first, with a cursor that is an object's id."""

from collections.abc import Callable, Iterable
from itertools import islice

from mock_stripe.wire.parameters import ListParameters
from mock_stripe.wire.rendering import shown
from mock_stripe.world.world import Object, World


def of_kind(
    world: World,
    kind: str,
    url: str,
    page: ListParameters,
    keep: Callable[[Object], bool] = lambda thing: True,
) -> Object:
    """Returns a page of all objects of a kind that are kept.

    Raises:
        ResourceMissing: the cursor is no object of this kind.
    """
    if page.ending_before:
        world.get(page.ending_before, kind, param="ending_before")
        found = filter(keep, world.oldest_first(kind, above=page.ending_before))
        nearest = list(islice(found, page.limit + 1))
        chosen, more = nearest[: page.limit][::-1], len(nearest) > page.limit
        return listed([shown(world, one) for one in chosen], url, has_more=more)
    if page.starting_after:
        world.get(page.starting_after, kind, param="starting_after")
    found = filter(keep, world.newest_first(kind, below=page.starting_after))
    nearest = list(islice(found, page.limit + 1))
    chosen = nearest[: page.limit]
    more = len(nearest) > page.limit
    return listed([shown(world, one) for one in chosen], url, has_more=more)


def of_some(world: World, things: Iterable[Object], url: str, page: ListParameters) -> Object:
    """Returns a page of things in the order given, such as an invoice's lines.

    Raises:
        ResourceMissing: the cursor is none of them.
    """
    everything = list(things)
    ids = [thing["id"] for thing in everything]
    start = 0
    if page.starting_after in ids:
        start = ids.index(page.starting_after) + 1
    chosen = everything[start : start + page.limit]
    if page.ending_before in ids:
        end = ids.index(page.ending_before)
        start = max(0, end - page.limit)
        chosen = everything[start:end]
    more = start > 0 if page.ending_before else start + page.limit < len(everything)
    return listed([shown(world, one) for one in chosen], url, has_more=more)


def fits(params: ListParameters, thing: Object, *fields: str) -> bool:
    """Tells whether a thing has what the list was asked for in these fields, and was made then.

    What was not asked for, fits.
    """
    created = getattr(params, "created", None)
    return all(getattr(params, name) in (None, thing[name]) for name in fields) and (
        created is None or created.holds(thing["created"])
    )


def listed(data: Iterable[Object], url: str, *, has_more: bool = False) -> Object:
    """Returns the list object around what is in it."""
    return {"object": "list", "data": list(data), "has_more": has_more, "url": url}
