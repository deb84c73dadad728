"""Models as items and back, and the reads that every repository shares."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from backbeat.models.base import Model
from backbeat.models.errors import InvalidArgument
from backbeat.ports.store import BadCursor, IndexKey, Item, Key, Page, Query, Store

M = TypeVar("M", bound=Model)

_AHEAD: Final = 10
"""Items that are looked at at once to see whether a list goes on."""


def to_item(
    key: Key,
    model: Model,
    *,
    version: int = 1,
    gsi1: IndexKey | None = None,
    gsi2: IndexKey | None = None,
) -> Item:
    """Returns the stored form of a model."""
    return Item(
        key=key,
        entity=type(model).__name__,
        doc=model.model_dump_json(exclude_defaults=True).encode(),
        version=version,
        gsi1=gsi1,
        gsi2=gsi2,
    )


def from_item(item: Item, model: type[M]) -> M:
    """Returns the model an item stores."""
    return model.model_validate_json(item.doc)


def read(store: Store, key: Key, model: type[M]) -> M | None:
    """Returns the model stored under a key, or None."""
    item = store.get(key)
    return None if item is None else from_item(item, model)


def walk(store: Store, query: Query) -> Iterator[Item]:
    """Yields every item of a query, page after page."""
    while True:
        page = store.query(query)
        yield from page.items
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)


def page_of(
    store: Store, query: Query, keep: Callable[[Item], bool]
) -> tuple[list[Item], str | None]:
    """Returns up to `query.limit` items that are kept, and the cursor behind the last of them.

    The cursor always stands behind an item that was looked at, so nothing is skipped or repeated.

    Raises:
        InvalidArgument: the cursor comes from another list, perhaps another tenant's.
    """
    limit = query.limit or 0
    kept: list[Item] = []
    while True:
        page = _page(store, replace(query, limit=limit - len(kept)))
        kept.extend(item for item in page.items if keep(item))
        if page.cursor is None:
            return kept, None
        query = replace(query, cursor=page.cursor)
        if len(kept) >= limit:
            return kept, page.cursor if _has_more(store, query, keep) else None


def page_of_models(
    store: Store, query: Query, model: type[M], keep: Callable[[M], bool] = lambda _: True
) -> tuple[list[M], str | None]:
    """Returns `page_of` as models."""
    items, cursor = page_of(store, query, keep=lambda item: keep(from_item(item, model)))
    return [from_item(item, model) for item in items], cursor


def _has_more(store: Store, query: Query, keep: Callable[[Item], bool]) -> bool:
    """Tells whether anything is kept of what follows, so that no last page is empty."""
    cursor = query.cursor
    while cursor is not None:
        page = _page(store, replace(query, limit=_AHEAD, cursor=cursor))
        if any(keep(item) for item in page.items):
            return True
        cursor = page.cursor
    return False


def _page(store: Store, query: Query) -> Page:
    try:
        return store.query(query)
    except BadCursor as error:
        raise InvalidArgument("next_page: belongs to another list") from error
