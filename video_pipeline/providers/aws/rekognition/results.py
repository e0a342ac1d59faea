"""Fetching the pages of a job that has succeeded, verbatim.

A page is the body of AWS's answer. A page token lives for a day, and may fail before: then reading
restarts at the first page and skips the rows that were yielded already.
"""

# pyright: reportMissingTypeStubs=false

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from video_pipeline.aws.errors import code_of, short
from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.values import read_json
from video_pipeline.plugins.paging import pages
from video_pipeline.providers.aws.errors import provider_errors, unreadable
from video_pipeline.providers.aws.rekognition.analyses import Analysis

# The most that a page may hold.
ROWS = 1000
# Restarts in a row without a new page.
_RESTARTS = 5
_BODY = "Body"
_OUT_OF_DATE = "InvalidPaginationTokenException"


def keep_bodies(client: Any) -> None:
    """Keep the bodies of a client's answers. Safe to repeat."""

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
        """`check` gets the first answer, and raises ProviderError if the job must not be read."""
        self._client, self._analysis, self._check = client, analysis, check
        self._job_id, self._where = job_id, where
        self._given = 0
        """Rows yielded so far."""

    def read(self) -> Iterator[bytes]:
        """Yield the pages from the first to the last. Raises ProviderError."""
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
        seen, first = 0, self._given == 0
        for number, answer in enumerate(pages(self._ask, _next_token, self._endless)):
            if not number:
                self._check(answer)
            rows = answer[self._analysis.rows]
            fresh = min(len(rows), max(0, seen + len(rows) - skipped))
            seen += len(rows)
            # An answer without rows is a page where it is the only one.
            if fresh or (first and not _next_token(answer) and not seen):
                self._given = seen
                yield _whole(answer) if fresh == len(rows) else self._rest(answer, fresh)

    def _endless(self, why: str) -> ProviderError:
        return unreadable(f"the result does not end: {why}", self._where)

    def _ask(self, token: str | None) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        more = {"NextToken": token} if token else {}
        with provider_errors(self._where):
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
        check_own(answer, self._job_id, self._where)
        status = answer["JobStatus"]
        if status != "SUCCEEDED":
            failed = status == "FAILED"
            raise ProviderError(
                f"the job has no result: it is {short(str(status))} {_said(answer)}".strip(),
                category=FailureCategory.PROVIDER_FAILED if failed else FailureCategory.TRANSIENT,
                remedy="Run the phase again." if failed else "It is looked up again later.",
                where=self._where,
            )
        if not isinstance(answer.get(self._analysis.rows), list):
            raise unreadable(f"it holds no {self._analysis.rows}", self._where)
        return answer

    def _rest(self, answer: dict[str, Any], fresh: int) -> bytes:
        """Return the last rows of a page whose first rows were yielded before the restart."""
        with provider_errors(self._where):
            page = read_json(_whole(answer))
        page[self._analysis.rows] = page[self._analysis.rows][-fresh:]
        return json.dumps(page, sort_keys=True, separators=(",", ":")).encode()

    def _worn_out(self) -> ProviderError:
        return ProviderError(
            f"AWS's page tokens fail again and again, after {self._given} rows",
            category=FailureCategory.TRANSIENT,
            remedy="It is fetched again later, for nothing; the result is kept for 7 days.",
            where=self._where,
        )


def check_own(answer: Mapping[str, Any], job_id: str, where: str) -> None:
    """Raise ProviderError, transient, unless this is the answer about a job."""
    if answer.get("JobStatus") is None:
        raise unreadable("it names no JobStatus", where)
    if answer.get("JobId", job_id) != job_id:
        raise unreadable(f"it is about another job, {answer['JobId']}", where)


class _OutOfDate(Exception):
    """A page token is no longer valid."""


def _said(answer: dict[str, Any]) -> str:
    return short(str(answer.get("StatusMessage") or ""))


def _next_token(answer: Mapping[str, Any]) -> str | None:
    return answer.get("NextToken")


def _whole(answer: dict[str, Any]) -> bytes:
    return bytes(answer["ResponseMetadata"][_BODY])


def _method(operation: str) -> str:
    from botocore import xform_name

    return xform_name(operation)
