"""What a merge has to give, in float64, and how far from it the program may be."""

import numpy as np

from tensor_files import Tensor, ulp


class Delta:
    """A difference of a tensor, and beside each number of it what the order of summation may do:
    2⁻²¹ · |s| · ‖row of B‖ · ‖column of A‖."""

    def __init__(self, value, slack):
        self.value, self.slack = np.asarray(value), np.asarray(slack)

    @property
    def shape(self):
        return self.value.shape

    def reshaped(self, *shape):
        return Delta(self.value.reshape(shape), self.slack.reshape(shape))

    def transposed(self):
        return Delta(self.value.swapaxes(-1, -2), self.slack.swapaxes(-1, -2))

    def placed(self, shape, index):
        """In a tensor of zeros, at an index as numpy knows them."""
        value, slack = np.zeros(shape), np.zeros(shape)
        value[index], slack[index] = self.value, self.slack
        return Delta(value, slack)

    def part(self, index):
        return Delta(self.value[index], self.slack[index])

    def __add__(self, other):
        return Delta(self.value + other.value, self.slack + other.slack)

    def times(self, factor):
        return Delta(self.value * factor, self.slack * abs(factor))


def low_rank(b, a, scale):
    """scale · B·A, of matrices or tensors: B by its first dimension, A by its first too."""
    left = b.values.reshape(b.shape[0], -1)
    right = a.values.reshape(a.shape[0], -1)
    norms = np.outer(np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=0))
    return Delta(scale * (left @ right), 2.0 ** -21 * abs(scale) * norms)


def difference(values, scale=1.0):
    """Of numbers that are stored one for one: no sum, but the product is rounded."""
    return Delta(scale * values.values, 2.0 ** -23 * np.abs(scale * values.values))


class Expected:
    """What becomes of a tensor: from the base, or from what replaces it, by a difference."""

    def __init__(self, delta=None, instead=None, dtype=None):
        self.delta, self.instead, self.dtype = delta, instead, dtype

    def complaint(self, base, found):
        """None if `found` is right."""
        dtype = self.dtype or base.dtype
        start = base.values if self.instead is None else self.instead
        if (found.dtype, tuple(found.shape)) != (dtype, tuple(start.shape)):
            return f"is {found.dtype} {list(found.shape)} instead of {dtype} {list(start.shape)}"
        start = Tensor(dtype, start).values
        if self.delta is None:
            wrong = int(np.sum(found.values != start))
            return (f"{wrong} of {start.size} numbers are not those that replace it"
                    if wrong else None)
        exact, got = start + self.delta.value.reshape(start.shape), found.values
        largest = np.maximum(np.maximum(np.abs(start), np.abs(got)), np.abs(exact))
        share = np.abs(got - exact) / (ulp(dtype, largest) + self.delta.slack.reshape(start.shape))
        if not np.all(share <= 1):
            wrong = int(np.sum(~(share <= 1)))
            return f"wrong by {np.max(share):.3g} tolerances, {wrong} of {start.size}"
        if np.any(self.delta.value) and np.array_equal(got, start):
            return "is as it was"
        return None
