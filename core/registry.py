"""How a lower package learns of a higher one: it declares a registry, the higher one registers in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things in the order of their `order`; the same name twice is a programming error."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._items: dict[str, tuple[int, T]] = {}

    def register(self, name: str, item: T, *, order: int = 100) -> T:
        if name in self._items:
            raise RuntimeError(f"{self.what} {name!r} is registered twice.")
        self._items[name] = (order, item)
        return item

    def get(self, name: str) -> T | None:
        found = self._items.get(name)
        return found[1] if found else None

    def names(self) -> list[str]:
        return [name for name, _ in sorted(self._items.items(), key=lambda pair: (pair[1][0], pair[0]))]

    def __iter__(self) -> Iterator[T]:
        return iter([self._items[name][1] for name in self.names()])
