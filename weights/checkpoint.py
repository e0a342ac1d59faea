"""Reads the tensors of a PyTorch checkpoint without PyTorch, and runs nothing that it holds."""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray[Any]]

_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_checkpoint(data: bytes) -> State:
    """Return the tensors by name. Raises UnpicklingError for anything else in the file."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
    state = _TensorsOnly(archive, pickled).load()
    return {str(name): np.asarray(tensor) for name, tensor in state.items()}


class _TensorsOnly(pickle.Unpickler):
    """Knows an OrderedDict, the rebuilding of tensors and two types of storage."""

    def __init__(self, archive: zipfile.ZipFile, pickled: str) -> None:
        super().__init__(io.BytesIO(archive.read(pickled)))
        self._archive, self._root = archive, pickled.rpartition("/")[0]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"refused: {module}.{name}")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        kind, dtype, key, _device, count = pid
        if kind != "storage" or not str(key).isdigit():
            raise pickle.UnpicklingError(f"refused: {pid!r}")
        storage = np.frombuffer(self._archive.read(f"{self._root}/data/{key}"), dtype)
        if len(storage) != count:
            raise pickle.UnpicklingError(f"storage {key} has not the length that it should have")
        return storage


def _tensor(
    storage: NDArray[Any], offset: int, size: Sequence[int], stride: Sequence[int], *_: Any
) -> NDArray[Any]:
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if min(size, default=1) < 1 or min(stride, default=0) < 0 or not 0 <= last < len(storage):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    strides = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, strides).copy()
