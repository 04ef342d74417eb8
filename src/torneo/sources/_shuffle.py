"""Random numbers that can be read at any place: the row with number i is the same in whichever piece it is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
_ROUNDS = 4


def _hashed(numbers: npt.NDArray[np.uint64], seed: int, stream: int) -> npt.NDArray[np.uint64]:
    """The splitmix64 hash of each number, another one for each seed and stream."""
    start = ((seed * 0x9E3779B97F4A7C15) ^ (stream * 0xD1342543DE82EF95)) & (2**64 - 1)
    value = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def uniform(numbers: Integers, seed: int, stream: int) -> npt.NDArray[np.float64]:
    """A uniform random number in [0, 1) for each number (not negative)."""
    return (_hashed(numbers.astype(np.uint64), seed, stream) >> np.uint64(11)).astype(np.float64) * 2.0**-53


@dataclass(frozen=True)
class Shuffle:
    """A random permutation of 0 … size - 1 that needs no memory: a Feistel cipher, walked until it is in range.

    >>> shuffle = Shuffle(10, 7)
    >>> sorted(shuffle.forward(np.arange(10)).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    >>> shuffle.backward(shuffle.forward(np.arange(3))).tolist()
    [0, 1, 2]
    """

    size: int
    seed: int

    def forward(self, numbers: Integers) -> Integers:
        """Where each number goes."""
        return self._walk(numbers, inverse=False)

    def backward(self, numbers: Integers) -> Integers:
        """Which number goes to each place."""
        return self._walk(numbers, inverse=True)

    def _walk(self, numbers: Integers, *, inverse: bool) -> Integers:
        values = self._step(numbers.astype(np.uint64), inverse=inverse)
        outside = np.flatnonzero(values >= self.size)
        while len(outside):
            values[outside] = self._step(values[outside], inverse=inverse)
            outside = outside[values[outside] >= self.size]
        return values.astype(np.int64)

    def _step(self, numbers: npt.NDArray[np.uint64], *, inverse: bool) -> npt.NDArray[np.uint64]:
        bits = max(1, ((self.size - 1).bit_length() + 1) // 2)
        mask, shift = np.uint64(2**bits - 1), np.uint64(bits)
        left, right = numbers >> shift, numbers & mask
        for stream in range(_ROUNDS):
            if inverse:
                left, right = right ^ (_hashed(left, self.seed, _ROUNDS - 1 - stream) & mask), left
            else:
                left, right = right, left ^ (_hashed(right, self.seed, stream) & mask)
        return (left << shift) | right
