"""Convert LAC's Paddle weights to ONNX. Run as a script in an environment of its own, which has numpy and onnx alone.

python lac_conversion.py MODEL_FOLDER TARGET_FOLDER
"""

import shutil
import struct
import sys
from pathlib import Path
from typing import Any

HIDDEN = 128
DICTIONARIES = ("word.dic", "q2b.dic", "tag.dic", "small_seg.dic")


def read_tensor(path: Path) -> Any:
    """A Paddle LoDTensor file: version, levels, version, size of the description, description, float32 data."""
    import numpy as np

    content = path.read_bytes()
    levels = struct.unpack_from("<IQ", content)[1]
    at = 12
    for _ in range(levels):
        at += 8 + struct.unpack_from("<Q", content, at)[0]
    size = struct.unpack_from("<Ii", content, at)[1]
    at += 8
    kind, shape = _read_description(content[at : at + size])
    if kind != 5:
        raise ValueError(f"{path.name}: not float32")
    return np.frombuffer(content, "<f4", offset=at + size).reshape(shape).copy()


def _read_description(message: bytes) -> tuple[int, list[int]]:
    """The protobuf TensorDesc: field 1 the kind, field 2 the dimensions (packed or not)."""
    kind, shape, at = -1, [], 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        if key == 0x08:
            kind = value
        elif key == 0x10:
            shape.append(value)
        elif key == 0x12:
            end = at + value
            while at < end:
                value, at = _varint(message, at)
                shape.append(value)
    return kind, shape


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def gru_weights(weights: dict[str, Any], number: int) -> tuple[Any, Any, Any]:
    """(W, R, B) of one direction for ONNX's GRU.

    Paddle: gates u, r, c and h = (1 - u) h' + u c. ONNX: z, r, h and h = (1 - z) c + z h'. So z = 1 - u, whose sigmoid
    has the opposite sign.
    """
    import numpy as np

    into = weights[f"fc_{number}.w_0"]
    flat = weights[f"gru_{number}.w_0"].reshape(-1)
    gates = flat[: 2 * HIDDEN * HIDDEN].reshape(HIDDEN, 2 * HIDDEN)
    candidate = flat[2 * HIDDEN * HIDDEN :].reshape(HIDDEN, HIDDEN)
    bias = weights[f"fc_{number}.b_0"] + weights[f"gru_{number}.b_0"].reshape(-1)
    w = np.concatenate([-into[:, :HIDDEN].T, into[:, HIDDEN : 2 * HIDDEN].T, into[:, 2 * HIDDEN :].T])
    r = np.concatenate([-gates[:, :HIDDEN].T, gates[:, HIDDEN:].T, candidate.T])
    b = np.concatenate([-bias[:HIDDEN], bias[HIDDEN:], np.zeros(3 * HIDDEN, np.float32)])
    return w, r, b


def build_model(weights: dict[str, Any]) -> Any:
    """Embedding → two bidirectional GRU layers → emissions.

    ids: [steps, texts]; lens: [texts]; em: [steps, texts, tags].
    """
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper

    initializers, nodes = [], []

    def constant(name: str, array: Any) -> str:
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def bidirectional(inputs: str, forward: int, backward: int, name: str) -> str:
        both = [gru_weights(weights, number) for number in (forward, backward)]
        w, r, b = (constant(f"{name}.{part}", np.stack([one[i] for one in both])) for i, part in enumerate("wrb"))
        size = {"hidden_size": HIDDEN, "direction": "bidirectional", "linear_before_reset": 0}
        nodes.append(helper.make_node("GRU", [inputs, w, r, b, "lens"], [f"{name}.y"], **size))
        nodes.append(helper.make_node("Transpose", [f"{name}.y"], [f"{name}.t"], perm=[0, 2, 1, 3]))
        shape = constant(f"{name}.shape", np.array([0, 0, 2 * HIDDEN], np.int64))
        nodes.append(helper.make_node("Reshape", [f"{name}.t", shape], [f"{name}.out"]))
        return f"{name}.out"

    nodes.append(helper.make_node("Gather", [constant("embedding", weights["word_emb"]), "ids"], ["x"]))
    last = bidirectional(bidirectional("x", 0, 1, "first"), 2, 3, "second")
    nodes.append(helper.make_node("MatMul", [last, constant("out.w", weights["fc_4.w_0"])], ["product"]))
    nodes.append(helper.make_node("Add", ["product", constant("out.b", weights["fc_4.b_0"])], ["em"]))
    tags = int(weights["fc_4.b_0"].shape[0])
    graph = helper.make_graph(
        nodes,
        "lac",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["steps", "texts"]),
            helper.make_tensor_value_info("lens", TensorProto.INT32, ["texts"]),
        ],
        [helper.make_tensor_value_info("em", TensorProto.FLOAT, ["steps", "texts", tags])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 8
    checker.check_model(model)
    return model


def convert(source: Path, target: Path) -> None:
    """source: LAC's `lac_model` folder. target: gets lac.onnx, crf.npy and the dictionaries."""
    import numpy as np
    import onnx

    names = [f"{kind}_{i}.{part}_0" for kind in ("fc", "gru") for i in range(4) for part in "wb"]
    names += ["fc_4.w_0", "fc_4.b_0", "word_emb"]
    weights = {name: read_tensor(source / "model" / name) for name in names}
    onnx.save(build_model(weights), str(target / "lac.onnx"))
    np.save(target / "crf.npy", read_tensor(source / "model" / "crfw"))
    for name in DICTIONARIES:
        shutil.copyfile(source / "conf" / name, target / name)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
