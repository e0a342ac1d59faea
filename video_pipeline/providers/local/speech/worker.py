"""The program of the speech process: requests on descriptor 0, messages on descriptor 1.

Both are lines of JSON. The process loads one model, serves one request after the other, and ends
with its parent, even in the middle of a window.
"""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from video_pipeline.plugins.inputs import Audio
from video_pipeline.providers.local.speech.pieces import Piece
from video_pipeline.providers.local.speech.recognition import transcribe
from video_pipeline.providers.local.speech.whisper_pages import written_segment

Message = dict[str, Any]


def main(folder: str, compute_type: str, threads: str) -> None:
    """Serve requests until the parent closes descriptor 0."""
    messages = os.dup(1)
    # What libraries print must not get between the messages.
    os.dup2(2, 1)
    requests = SimpleQueue[Message]()
    Thread(target=_listen, args=(requests,), daemon=True).start()
    tell = partial(send, messages)
    beat = partial(tell, {"kind": "beat"})
    model = None
    while True:
        request = requests.get()
        try:
            model = model or _loaded(folder, compute_type, int(threads), beat)
            for message in _answered(model, request):
                tell(message)
            tell({"kind": "end"})
        except Exception as error:  # noqa: BLE001 - the last message, for any error
            tell({"kind": "failed", "what": str(error) or repr(error)})


def send(descriptor: int, message: Message) -> None:
    """Write a message or a request."""
    rest = memoryview(json.dumps(message).encode() + b"\n")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _listen(requests: "SimpleQueue[Message]") -> None:
    """Queue the requests, and end the process when its parent has closed the pipe or died."""
    with os.fdopen(0, "rb") as lines:
        for line in lines:
            requests.put(json.loads(line))
    os._exit(0)


def _loaded(folder: str, compute_type: str, threads: int, beat: Callable[[], None]) -> Any:
    """Return the model, which calls `beat` for each window. Silence has no other message."""
    from faster_whisper import WhisperModel

    class Beating(WhisperModel):
        def encode(self, features: Any) -> Any:
            beat()
            return super().encode(features)

    return Beating(
        folder, device="cpu", compute_type=compute_type, cpu_threads=threads, local_files_only=True
    )


def _answered(whisper: Any, request: Message) -> Iterator[Message]:
    """Yield the segments, and the language after the first piece that has any."""
    audio = Audio(Path(request["path"]), request["samples"])
    language = request["language"]
    spoken = told = False
    for parts in request["pieces"]:
        piece = Piece(tuple((first, after) for first, after in parts))
        samples = piece.read(audio)
        try:
            segments, info = transcribe(whisper, samples, language, request["beam_size"])
        except ValueError as error:
            yield {"kind": "refused", "what": str(error)}
            return
        for segment in segments:
            spoken = True
            yield {"kind": "segment", "segment": written_segment(segment, piece.span)}
        if spoken and not told:
            told, language = True, info.language
            confidence = min(1.0, float(info.language_probability))
            yield {"kind": "language", "language": language, "confidence": confidence}
