"""Fetching the pages of a job that has succeeded, as they came.

A page is the body of AWS's answer, byte for byte. The tokens that lead from page to page live for
a day, and may fail before: then reading begins again at the first page, and what was given already
is passed over, so that no row comes twice.
"""

# pyright: reportMissingTypeStubs=false

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from video_pipeline.aws.errors import code_of
from video_pipeline.aws.messages import short
from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.providers.aws.errors import told, unreadable
from video_pipeline.providers.aws.rekognition.analyses import Analysis

ROWS = 1000
"""The most that a page may hold."""
_RESTARTS = 5
"""So often in a row, without a page gained, reading begins again."""
_BODY = "Body"
_OUT_OF_DATE = "InvalidPaginationTokenException"


def keep_bodies(client: Any) -> None:
    """Have a client's answers hold their bodies. Doing so twice does no harm."""

    def keep(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        parsed.setdefault("ResponseMetadata", {})[_BODY] = http_response.content

    client.meta.events.register("after-call.rekognition", keep, unique_id="keep-bodies")


class Pages:
    """The pages of one job."""

    def __init__(
        self,
        client: Any,
        analysis: Analysis,
        job_id: str,
        where: str,
        check: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """`check` is shown the first answer, and raises ProviderError where no page of the job is
        to be given."""
        self._client, self._analysis, self._check = client, analysis, check
        self._job_id, self._where = job_id, where
        self._given = 0
        """Rows that were handed out."""

    def read(self) -> Iterator[bytes]:
        """From the first to the last. Raises ProviderError."""
        restarts = 0
        while True:
            before = self._given
            try:
                yield from self._pass(before)
                return
            except _OutOfDate as error:
                restarts = restarts + 1 if self._given == before else 1
                if restarts > _RESTARTS:
                    raise self._worn_out() from error

    def _pass(self, skipped: int) -> Iterator[bytes]:
        """One reading from the first page on, without the rows that were given already."""
        token, seen, first = None, 0, self._given == 0
        while True:
            answer = self._ask(token)
            if not seen and not token:
                self._check(answer)
            rows = answer[self._analysis.rows]
            fresh = min(len(rows), max(0, seen + len(rows) - skipped))
            seen += len(rows)
            token = answer.get("NextToken")
            # An answer without rows is a page where it is the only one.
            if fresh or (first and not token and not seen):
                self._given = seen
                yield _whole(answer) if fresh == len(rows) else self._rest(answer, fresh)
            if not token:
                return

    def _ask(self, token: str | None) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        more = {"NextToken": token} if token else {}
        with told(self._where):
            try:
                answer = getattr(self._client, _method(self._analysis.get))(
                    JobId=self._job_id, MaxResults=ROWS, **more
                )
            except ClientError as error:
                if code_of(error) == _OUT_OF_DATE and token:
                    raise _OutOfDate from error
                raise
        return self._checked(answer)

    def _checked(self, answer: dict[str, Any]) -> dict[str, Any]:
        status = answer.get("JobStatus")
        if status is None:
            raise unreadable("it names no JobStatus", self._where)
        if status != "SUCCEEDED":
            raise ProviderError(
                f"the job has no result: it is {status} {_said(answer)}".strip(),
                category=FailureCategory.PROVIDER_FAILED,
                remedy="Run the phase again.",
                where=self._where,
            )
        if not isinstance(answer.get(self._analysis.rows), list):
            raise unreadable(f"it holds no {self._analysis.rows}", self._where)
        return answer

    def _rest(self, answer: dict[str, Any], fresh: int) -> bytes:
        """The last rows of a page that was given in part, as pages were cut otherwise before."""
        page = json.loads(_whole(answer))
        page[self._analysis.rows] = page[self._analysis.rows][-fresh:]
        return json.dumps(page, sort_keys=True, separators=(",", ":")).encode()

    def _worn_out(self) -> ProviderError:
        return ProviderError(
            f"AWS's page tokens fail again and again, after {self._given} rows",
            category=FailureCategory.TRANSIENT,
            remedy="It is fetched again later, for nothing; the result is kept for 7 days.",
            where=self._where,
        )


class _OutOfDate(Exception):
    """A page token is not taken any more."""


def _said(answer: dict[str, Any]) -> str:
    return short(str(answer.get("StatusMessage") or ""))


def _whole(answer: dict[str, Any]) -> bytes:
    return bytes(answer["ResponseMetadata"][_BODY])


def _method(operation: str) -> str:
    from botocore import xform_name

    return xform_name(operation)
