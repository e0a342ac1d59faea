"""Each fault of a double is named in a test of its consequences: the states of unit and phase, the
messages and the costs."""

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from video_pipeline.testing.faults import LINE_FAULTS
from video_pipeline_tests.doubles.aws.rekognition.quirks import GET_FAULTS
from video_pipeline_tests.doubles.aws.rekognition.quirks import JOB_FAULTS as OF_REKOGNITION_JOBS
from video_pipeline_tests.doubles.aws.rekognition.refusals import REFUSALS as OF_REKOGNITION
from video_pipeline_tests.doubles.aws.transcribe.refusals import GET_FAULTS as OF_TRANSCRIBE_GETS
from video_pipeline_tests.doubles.aws.transcribe.refusals import JOB_FAULTS as OF_TRANSCRIBE_JOBS
from video_pipeline_tests.doubles.aws.transcribe.refusals import REFUSALS as OF_TRANSCRIBE

_TESTS = Path(__file__).parents[3]
_EVENTS, _TABLE = "contracts/events_contract.py", "providers/aws/fault_table.py"


@pytest.mark.parametrize(
    ("offered", "files"),
    [
        (
            {*LINE_FAULTS, *OF_REKOGNITION, *OF_REKOGNITION_JOBS, *GET_FAULTS},
            ("stories/test_rekognition.py", "stories/test_rekognition_events.py", _EVENTS, _TABLE),
        ),
        (
            {*LINE_FAULTS, *OF_TRANSCRIBE, *OF_TRANSCRIBE_JOBS, *OF_TRANSCRIBE_GETS},
            (
                "providers/aws/transcribe/test_faults.py",
                "providers/aws/transcribe/test_events.py",
                _EVENTS,
                _TABLE,
            ),
        ),
    ],
    ids=["rekognition", "transcribe"],
)
def test_every_fault_is_tested(offered: Collection[str], files: Collection[str]) -> None:
    told = "".join((_TESTS / name).read_text(encoding="utf-8") for name in files)
    assert sorted(set(offered) - set(re.findall(r'"(\w+)"', told))) == []
