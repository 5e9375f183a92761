"""Sorting for compiled functions, quick to compile."""

from __future__ import annotations

from matching.rules import Indices
from matching.solving.compiled import tight


@tight
def sort_by(key: Indices, order: Indices) -> None:
    """Puts the indices of `key` into `order`, smallest key first, equal ones as they come."""
    n = len(key)
    for k in range(n):
        order[k] = k
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, n):
            one, j = order[k], k
            while j >= gap and (key[order[j - gap]] > key[one] or (key[order[j - gap]] == key[one] and order[j - gap] > one)):
                order[j] = order[j - gap]
                j -= gap
            order[j] = one
        gap //= 3


@tight
def sort(numbers: Indices) -> None:
    """Sorts in place, smallest first."""
    n, gap = len(numbers), 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, n):
            one, j = numbers[k], k
            while j >= gap and numbers[j - gap] > one:
                numbers[j] = numbers[j - gap]
                j -= gap
            numbers[j] = one
        gap //= 3


@tight
def place_of(numbers: Indices, wanted: int) -> int:
    """The first place of sorted numbers that is not below the wanted one."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low
