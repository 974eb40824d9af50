"""librevlora through Python's ctypes: nothing is copied, nothing of Python is known to it.

usage: ctypes_test.py LIBRARY
"""

import ctypes
import struct
import sys
import unittest

LIBRARY = ctypes.CDLL(sys.argv.pop())
BF16, FP32 = 2, 0
OK, OTHER_STRENGTH, WEIGHTS_CHANGED = 0, 13, 15


class Matrix(ctypes.Structure):
    pass


Matrix._fields_ = [
    ("size", ctypes.c_size_t), ("data", ctypes.c_void_p), ("type", ctypes.c_int32),
    ("rows", ctypes.c_ssize_t), ("cols", ctypes.c_ssize_t), ("row_stride", ctypes.c_ssize_t),
    ("col_stride", ctypes.c_ssize_t), ("scales", ctypes.POINTER(Matrix))]


class Report(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("changed", ctypes.c_int64),
                ("became_not_finite", ctypes.c_int64)]


class Error(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("status", ctypes.c_int32), ("text", ctypes.c_char * 500)]


def function(name, result, *arguments):
    found = getattr(LIBRARY, name)
    found.restype, found.argtypes = result, arguments
    return found


POINTER, STATUS = ctypes.c_void_p, ctypes.c_int32
version = function("revlora_version", ctypes.c_char_p)
status_name = function("revlora_status_name", ctypes.c_char_p, STATUS)
adapters_create = function("revlora_adapters_create", POINTER)
adapters_destroy = function("revlora_adapters_destroy", None, POINTER)
add_low_rank = function("revlora_adapters_add_low_rank", STATUS, POINTER, POINTER, POINTER,
                        ctypes.c_double, POINTER)
record_create = function("revlora_record_create", POINTER)
record_destroy = function("revlora_record_destroy", None, POINTER)
record_bytes = function("revlora_record_bytes", POINTER, POINTER, POINTER)
merge = function("revlora_merge", STATUS, *[POINTER] * 7)
unmerge = function("revlora_unmerge", STATUS, *[POINTER] * 6)
swap = function("revlora_swap", STATUS, *[POINTER] * 7)


def row_major(memory, kind, rows, cols):
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return Matrix(ctypes.sizeof(Matrix), address, kind, rows, cols, cols, 1, None)


def bf16(values):
    """Numbers that bf16 can hold, as the upper halves of their fp32."""
    return bytearray(b"".join(struct.pack("<f", value)[2:] for value in values))


class Door(unittest.TestCase):
    def setUp(self):
        self.base = bf16([1, 2, 3, 4, 5, 6])
        self.memory = bytearray(self.base)
        self.w = row_major(self.memory, BF16, 2, 3)
        self.factors = [bytearray(struct.pack("<2f", 1, 2)), bytearray(struct.pack("<3f", 1, 2, 4))]
        self.error = Error(ctypes.sizeof(Error))
        self.record = record_create()
        self.addCleanup(record_destroy, self.record)

    def adapters(self, strength):
        b, a = (row_major(memory, FP32, *shape)
                for memory, shape in zip(self.factors, [(2, 1), (1, 3)]))
        adapters = adapters_create()
        self.addCleanup(adapters_destroy, adapters)
        self.assert_done(add_low_rank(adapters, ctypes.byref(b), ctypes.byref(a), strength,
                                      ctypes.byref(self.error)))
        return adapters

    def assert_done(self, status):
        self.assertEqual(status, OK, self.error.text)

    def test_merges_swaps_and_unmerges_in_place(self):
        half, double = self.adapters(0.5), self.adapters(2.0)
        report = Report(ctypes.sizeof(Report))
        w, error = ctypes.byref(self.w), ctypes.byref(self.error)
        self.assert_done(merge(w, None, half, self.record, None, ctypes.byref(report), error))
        self.assertEqual(self.memory, bf16([1.5, 3, 5, 5, 7, 10]))
        self.assertEqual((report.changed, report.became_not_finite), (6, 0))
        self.assert_done(swap(w, half, double, self.record, None, None, error))
        self.assertEqual(self.memory, bf16([3, 6, 11, 8, 13, 22]))
        count = ctypes.c_size_t()
        address = record_bytes(self.record, ctypes.byref(count))
        self.assertEqual(len(ctypes.string_at(address, count.value)), count.value)
        self.assertGreater(count.value, 0)
        self.assert_done(unmerge(w, None, double, self.record, None, error))
        self.assertEqual(self.memory, self.base)

    def test_says_what_is_wrong(self):
        half, double = self.adapters(0.5), self.adapters(2.0)
        w, error = ctypes.byref(self.w), ctypes.byref(self.error)
        self.assert_done(merge(w, None, half, self.record, None, None, error))
        merged = bytes(self.memory)
        status = unmerge(w, None, double, self.record, None, error)
        self.assertEqual((status, self.error.status), (OTHER_STRENGTH, OTHER_STRENGTH))
        self.assertEqual(status_name(status), b"other_strength")
        self.assertTrue(self.error.text.decode("utf-8").startswith("revlora: "))
        self.assertEqual(self.memory, merged)
        self.memory[0] ^= 1
        self.assertEqual(unmerge(w, None, half, self.record, None, None), WEIGHTS_CHANGED)

    def test_has_a_version(self):
        self.assertRegex(version().decode(), r"^\d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main()
