"""Only a provider's own plugin names its vendor; the core names none."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "video_pipeline"
CORE = (
    *("domain", "plugins", "pipeline", "storage", "catalog", "media", "exports"),
    *("settings", "wiring.py", "defs", "definitions.py", "cli"),
)
NAMES = (
    *("scenedetect", "transnet", "whisper", "ctranslate", "resemblyzer", "silero", "yolo"),
    *("amazon", "rekognition", "transcribe_", "comprehend", "bedrock", "openai", "anthropic"),
    *("google", "gemini", "azure", "microsoft", "nvidia", r"\briva\b", "deepgram", "assemblyai"),
    *("speechmatics", "elevenlabs", "mistral", "twelvelabs", "hugging", "replicate", "gladia"),
)
WORD = re.compile("|".join(NAMES), re.IGNORECASE)


@pytest.mark.parametrize("room", CORE)
def test_core_modules_name_no_provider(room: str) -> None:
    place = PACKAGE / room
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    found = [
        f"{file.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if WORD.search(line)
    ]
    assert not found
