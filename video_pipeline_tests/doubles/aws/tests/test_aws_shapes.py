"""An upgrade of botocore that changes what the plugins for AWS rely on shows here."""

from video_pipeline_tests.contracts.aws_shapes import differences, kept


def test_installed_botocore_has_the_expected_shapes() -> None:
    assert differences(kept()) == []


def test_changed_shape_is_reported_with_remedy() -> None:
    earlier = {
        "GetLabelDetection.output.JobStatus": {"type": "string", "enum": ["DONE"]},
        "GetLabelDetection.output.Labels[].Colour": {"type": "string"},
        "GetPersonTracking2.input.JobId": {"type": "string"},
    }
    status, colour, gone = differences({"rekognition": earlier})
    assert "GetLabelDetection.output.JobStatus: enum was ['DONE'] and is ['FAILED'," in status
    assert "there is no Colour any more, but Timestamp, Label" in colour
    assert "there is no such operation any more" in gone
