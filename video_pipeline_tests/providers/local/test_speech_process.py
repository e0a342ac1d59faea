"""The process with a speech model: reused, ended with its caller, and missed when it is killed."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio
from video_pipeline.providers.local.models import Models
from video_pipeline.providers.local.speech.process import Model, SpeechProcess, speech_process
from video_pipeline.samples import drawn

PARENT = """
import json, sys
from pathlib import Path
from video_pipeline.providers.local.speech.process import Model, speech_process
with speech_process(Model(Path(sys.argv[1]), "int8", 1)) as process:
    for message in process.ask(json.loads(sys.argv[2]), "a test"):
        print(process.pid, flush=True)
"""


@pytest.fixture
def model(model_cache: Path) -> Model:
    return Model(Models(None, model_cache).find("tiny.en"), "int8", 1)


@pytest.fixture
def talk(listen: Callable[[Path], tuple[MediaInfo, Audio]]) -> dict[str, Any]:
    """A request for the first seconds of the talk, many times."""
    _, audio = listen(drawn()[0])
    piece = [(0, 5 * AUDIO_RATE)]
    facts = {"path": str(audio.path), "samples": audio.samples, "pieces": [piece] * 50}
    return {**facts, "language": "en", "beam_size": 1}


def _kill(process: SpeechProcess) -> None:
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_process_is_reused_until_it_is_killed(model: Model, talk: dict[str, Any]) -> None:
    request = {**talk, "pieces": talk["pieces"][:1]}
    with speech_process(model) as first:
        once = [one for one in first.ask(request, "here") if one["kind"] != "beat"]
    assert {one["kind"] for one in once} == {"segment", "language"}
    with speech_process(model) as again:
        assert again is first
    _kill(first)
    with speech_process(model) as another:
        assert [one for one in another.ask(request, "here") if one["kind"] != "beat"] == once


def test_process_killed_amid_an_answer_is_reported_as_passing(
    model: Model, talk: dict[str, Any]
) -> None:
    killed = pytest.raises(ProviderError, match="killed from outside")
    with killed as error, speech_process(model) as process:
        for message in process.ask(talk, "here"):
            if message["kind"] == "segment":
                _kill(process)
    assert error.value.category is FailureCategory.TRANSIENT
    assert "smaller model" in error.value.remedy


def test_process_is_ended_when_its_block_raises(model: Model, talk: dict[str, Any]) -> None:
    with pytest.raises(KeyboardInterrupt), speech_process(model) as process:
        for _ in process.ask(talk, "here"):
            raise KeyboardInterrupt
    assert not process.is_alive


def test_process_ends_when_its_parent_is_killed(model: Model, talk: dict[str, Any]) -> None:
    command = [sys.executable, "-c", PARENT, str(model.folder)]
    with subprocess.Popen(
        [*command, json.dumps(talk)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        assert select.select([worker], [], [], 30)[0]
    finally:
        os.close(worker)


def test_failure_of_the_library_names_its_reason(tmp_path: Path, talk: dict[str, Any]) -> None:
    failed = pytest.raises(ProviderError, match=r"model\.bin")
    with failed as error, speech_process(Model(tmp_path, "int8", 1)) as process:
        list(process.ask(talk, "here"))
    assert error.value.category is FailureCategory.PROVIDER_FAILED
