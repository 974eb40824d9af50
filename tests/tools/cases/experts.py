"""Mixtures of experts: a pair for each expert or for a stack of them, on tensors of each kind."""

import numpy as np

from common import Cases, Delta, Expected, Random, low_rank, pairs, peft, plain_merge

cases, random = Cases(__file__), Random(6)
EXPERTS, WIDTH, INNER, RANK, SCALE = 4, 32, 24, 4, 4.0
MLP = "model.layers.0.mlp."
SHAPES = {"gate_proj": (INNER, WIDTH), "up_proj": (INNER, WIDTH), "down_proj": (WIDTH, INNER)}
EACH = {f"{MLP}experts.{e}.{name}": shape for e in range(EXPERTS) for name, shape in SHAPES.items()}


def weights_of(shapes):
    return {
        "model.safetensors": {
            name: random.weight("BF16", *shape) for name, shape in shapes.items()}}


def stacked(turned=False):
    """The model's two stacks, `[E, in, out]` if they are turned."""
    shapes = {
        MLP + "experts.gate_up_proj": (EXPERTS, 2 * INNER, WIDTH),
        MLP + "experts.down_proj": (EXPERTS, WIDTH, INNER)}
    if turned:
        shapes = {name: (e, i, o) for name, (e, o, i) in shapes.items()}
    return weights_of(shapes)


def stack_pair(rows, columns):
    """Of one parameter, and D of the stack: A's rows expert by expert, B's columns rank by rank."""
    a, b = random.factor("F32", EXPERTS * RANK, columns), random.factor("F32", rows, RANK * EXPERTS)
    by_expert = a.values.reshape(EXPERTS, RANK, columns)
    by_rank = b.values.reshape(rows, RANK, EXPERTS)
    value = SCALE * np.einsum("oke,eki->eoi", by_rank, by_expert)
    slack = (2.0 ** -21 * SCALE * (np.linalg.norm(by_rank, axis=1).T[:, :, None] *
                                   np.linalg.norm(by_expert, axis=1)[:, None, :]))
    return a, b, Delta(value, slack)


def of_expert(delta, expert, rows=slice(None), turned=False):
    """In the stack, of a plain pair."""
    shape = (EXPERTS, 2 * INNER if rows != slice(None) else delta.shape[0], delta.shape[1])
    placed = delta.placed(shape, (expert, rows))
    return placed.transposed() if turned else placed


def total(deltas):
    result = deltas[0]
    for delta in deltas[1:]:
        result = result + delta
    return result


each = pairs(random, EACH)
one_by_one = plain_merge(each, {name + ".weight": name for name in EACH})
cases.merges("a pair and a tensor for each",
             weights_of({n + ".weight": s for n, s in EACH.items()}), peft(each), one_by_one)
mixtral = {
    f"model.layers.0.block_sparse_moe.experts.{e}.w{k}": shape for e in range(EXPERTS)
    for k, shape in ((1, (INNER, WIDTH)), (2, (WIDTH, INNER)), (3, (INNER, WIDTH)))}
made = pairs(random, mixtral)
cases.merges("Mixtral's names", weights_of({n + ".weight": s for n, s in mixtral.items()}),
             peft(made), plain_merge(made, {name + ".weight": name for name in mixtral}))

# target_parameters: of two parameters of a module, the one that was wrapped first is the inner one.
TARGETS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
for turned in (False, True):
    a1, b1, first = stack_pair(2 * INNER, WIDTH)
    a2, b2, second = stack_pair(WIDTH, INNER)
    made = {
        MLP + "experts.base_layer.lora_A.weight": a1, MLP + "experts.base_layer.lora_B.weight": b1,
        MLP + "experts.lora_A.weight": a2, MLP + "experts.lora_B.weight": b2}
    turn = (lambda d: d.transposed()) if turned else (lambda d: d)
    cases.merges(
        f"target_parameters, stacks {'[E, in, out]' if turned else '[E, out, in]'}",
        stacked(turned), peft(made, target_parameters=TARGETS), {
            MLP + "experts.gate_up_proj": Expected(turn(first)),
            MLP + "experts.down_proj": Expected(turn(second))})
    # Which of the two alphas is whose would have to be known before the model is looked at.
    cases.refuses(f"the same, alphas that differ by the parameter's name, turned {turned}",
                  stacked(turned),
                  peft(made, target_parameters=TARGETS, alpha_pattern={"experts.down_proj": 8}),
                  ["gate_up_proj", "down_proj", "alpha"])

a, b, delta = stack_pair(2 * INNER, WIDTH)
cases.merges(
    "target_parameters, one parameter", stacked(),
    peft({MLP + "experts.lora_A.weight": a, MLP + "experts.lora_B.weight": b},
         target_parameters=["mlp.experts.gate_up_proj"]),
    {MLP + "experts.gate_up_proj": Expected(delta)})

# Both of the same square shape: nothing in the files tells which is which.
square = {
    MLP + "experts.gate_up_proj": (EXPERTS, WIDTH, WIDTH),
    MLP + "experts.down_proj": (EXPERTS, WIDTH, WIDTH)}
made = {}
for level in ("experts.base_layer", "experts"):
    a, b, _ = stack_pair(WIDTH, WIDTH)
    made |= {f"{MLP}{level}.lora_A.weight": a, f"{MLP}{level}.lora_B.weight": b}
cases.refuses("two parameters of one square shape", weights_of(square),
              peft(made, target_parameters=TARGETS), ["experts", "target_parameters"])

router = (EXPERTS, WIDTH)
a, b = random.factor("F32", RANK, WIDTH), random.factor("F32", EXPERTS, RANK)
cases.merges(
    "target_parameters, a parameter of two dimensions", weights_of({MLP + "gate.weight": router}),
    peft({MLP + "gate.lora_A.weight": a, MLP + "gate.lora_B.weight": b},
         target_parameters=["mlp.gate.weight"]),
    {MLP + "gate.weight": Expected(low_rank(b, a, SCALE))})

# gpt-oss in four bits: a pair for each expert, the file has stacks.
for turned in (False, True):
    listed = {}
    for e in range(EXPERTS):
        listed[f"{MLP}experts.gate_up_projs.{e}"] = (2 * INNER, WIDTH)
        listed[f"{MLP}experts.down_projs.{e}"] = (WIDTH, INNER)
    made = pairs(random, listed)
    deltas = {
        name: low_rank(made[name + ".lora_B.weight"], made[name + ".lora_A.weight"], SCALE)
        for name in listed}
    cases.merges(
        f"pairs in lists, a stack in the file, turned {turned}", stacked(turned), peft(made), {
            MLP + "experts." + name: Expected(
                total([
                    of_expert(deltas[f"{MLP}experts.{name}s.{e}"], e, turned=turned)
                    for e in range(EXPERTS)])) for name in ("gate_up_proj", "down_proj")})

# Trained with transformers 4, on the stacks of transformers 5: gate and up are halves of one.
deltas = {
    name: low_rank(each[name + ".lora_B.weight"], each[name + ".lora_A.weight"], SCALE)
    for name in EACH}
halves = {"gate_proj": slice(0, INNER), "up_proj": slice(INNER, 2 * INNER)}
cases.merges(
    "a pair for each, stacks in the file", stacked(), peft(each), {
        MLP + "experts.gate_up_proj": Expected(
            total([
                of_expert(deltas[f"{MLP}experts.{e}.{name}"], e, rows) for e in range(EXPERTS)
                for name, rows in halves.items()])),
        MLP + "experts.down_proj": Expected(
            total([of_expert(deltas[f"{MLP}experts.{e}.down_proj"], e) for e in range(EXPERTS)]))})

# And the reverse.
a1, b1, first = stack_pair(2 * INNER, WIDTH)
a2, b2, second = stack_pair(WIDTH, INNER)
made = {
    MLP + "experts.base_layer.lora_A.weight": a1, MLP + "experts.base_layer.lora_B.weight": b1,
    MLP + "experts.lora_A.weight": a2, MLP + "experts.lora_B.weight": b2}
cases.merges(
    "pairs of stacks, a tensor for each in the file",
    weights_of({n + ".weight": s for n, s in EACH.items()}), peft(made, target_parameters=TARGETS),
    {
        f"{MLP}experts.{e}.{name}.weight": Expected(
            second.part(e) if name == "down_proj" else first.part((e, halves[name])))
        for e in range(EXPERTS) for name in SHAPES})

a, b = random.factor("F32", RANK * EXPERTS, 20), random.factor("F32", 2 * INNER, RANK * EXPERTS)
cases.refuses(
    "a stack of another width", stacked(),
    peft({MLP + "experts.lora_A.weight": a, MLP + "experts.lora_B.weight": b},
         target_parameters=["mlp.experts.gate_up_proj"]), ["experts"])
cases.finish()
