"""TransNetV2: how likely a transition is at each frame, by onnxruntime on the CPU."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Columns and rows of the frames that the network takes.
SIZE = (48, 27)

Frames = NDArray[np.uint8]


def histograms(frames: Frames) -> NDArray[np.float32]:
    """Return each frame's histogram of 8 x 8 x 8 colours, of length 1."""
    levels = frames.reshape(len(frames), -1, 3).astype(np.int64) >> 5
    colours = (levels[..., 0] << 6) + (levels[..., 1] << 3) + levels[..., 2]
    colours += np.arange(len(frames))[:, None] << 9
    counts = np.bincount(colours.ravel(), minlength=len(frames) << 9).reshape(-1, 512)
    lengths = np.sqrt((counts * counts).sum(1, keepdims=True))
    return (counts / lengths).astype(np.float32)


class Network:
    """The network at a path, loaded once a process on first use."""

    def __init__(self, model: Path, threads: int) -> None:
        self._model, self._threads = model, threads

    def probabilities(self, frames: Frames) -> NDArray[np.float32]:
        """Return how likely a transition has its middle at each of these consecutive frames, which
        are RGB of shape (n, 27, 48, 3). The first and last 25 or so lack frames around them."""
        session = _session(self._model, self._threads)
        (found,) = session.run(["one"], {"frames": frames, "hist": histograms(frames)})
        return found


@cache
def _session(model: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
