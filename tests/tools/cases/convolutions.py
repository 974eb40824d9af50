"""Convolutions of one to three dimensions, and linear factors of what is stored as one."""

from common import Cases, Expected, Random, low_rank, peft

cases, random = Cases(__file__), Random(11)


def conv(title, shape, a_shape, b_shape, dtype="F32", refused=None):
    weight = random.weight(dtype, *shape)
    a, b = random.factor("F32", *a_shape), random.factor("F32", *b_shape)
    model = {"model.safetensors": {"conv.weight": weight}}
    files = peft({"conv.lora_A.weight": a, "conv.lora_B.weight": b}, target_modules=["conv"])
    if refused:
        cases.refuses(title, model, files, refused)
        return
    cases.merges(title, model, files,
                 {"conv.weight": Expected(low_rank(b, a, 4.0).reshaped(*shape))})


conv("1x1", (24, 16, 1, 1), (4, 16, 1, 1), (24, 4, 1, 1))
for dtype in ("F32", "F16", "BF16"):
    conv("3x3 in " + dtype, (24, 16, 3, 3), (4, 16, 3, 3), (24, 4, 1, 1), dtype)
conv("three dimensions, kernel 1x1x3", (24, 16, 1, 1, 3), (4, 16, 1, 1, 3), (24, 4, 1, 1, 1))
conv("three dimensions, kernel 2x3x4", (8, 6, 2, 3, 4), (4, 6, 2, 3, 4), (8, 4, 1, 1, 1))
conv("one dimension, kernel 3", (24, 16, 3), (4, 16, 3), (24, 4, 1))
conv("one dimension, square", (16, 16, 1), (4, 16, 1), (16, 4, 1))
conv("depthwise, A is not grouped", (16, 1, 4), (4, 16, 4), (16, 4, 1), refused=["conv", "group"])
conv("two groups, B is grouped", (24, 8, 3, 3), (4, 16, 3, 3), (24, 2, 1, 1),
     refused=["conv", "group"])
conv("linear factors on a 1x1 convolution", (24, 16, 1, 1), (4, 16), (24, 4))
conv("linear factors on a square 1x1 convolution", (16, 16, 1, 1), (4, 16), (16, 4))
conv("factors of a 1x1 convolution on a linear weight", (24, 16), (4, 16, 1, 1), (24, 4, 1, 1))
conv("another kernel", (24, 16, 3, 3), (4, 16, 5, 5), (24, 4, 1, 1), refused=["conv"])
cases.finish()
