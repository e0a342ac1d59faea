"""An upgrade of botocore that changes what the plugins for AWS rely on shows here."""

from video_pipeline_tests.contracts.aws_shapes import differences, kept


def test_the_installed_botocore_says_what_the_plugins_rely_on() -> None:
    assert differences(kept()) == []


def test_what_has_changed_is_told_so_that_one_can_act() -> None:
    earlier = {
        "GetLabelDetection.output.JobStatus": {"type": "string", "enum": ["DONE"]},
        "GetLabelDetection.output.Labels[].Colour": {"type": "string"},
        "GetPersonTracking2.input.JobId": {"type": "string"},
    }
    status, colour, gone = differences({"rekognition": earlier})
    assert "GetLabelDetection.output.JobStatus: enum was ['DONE'] and is ['FAILED'," in status
    assert "there is no Colour any more, but Timestamp, Label" in colour
    assert "there is no such operation any more" in gone
