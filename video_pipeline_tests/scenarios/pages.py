"""Read Dagster's pages in a browser: what failed and what to do stands there without a click.

`up` runs with a folder and two projects: a talk, a broken file, a name full of markup, and a video
whose provider has no model. Headless Chromium opens the pages, reads them and takes their pictures.
Then it follows the walk of docs/dagster.md, from a broken file to a good run, and counts clicks.

Options: `--into FOLDER` for the pictures, `--keep docs/images` for small ones of the best pages,
`--of COMMIT` for an earlier revision.
"""

import argparse
import re
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import dagster as dg
from PIL import Image

from video_pipeline.domain.naming.identity import video_id_for
from video_pipeline.samples import drawn
from video_pipeline_tests.scenarios.support import page_claims, reels
from video_pipeline_tests.scenarios.support.baseline import ROOT, checked_out
from video_pipeline_tests.scenarios.support.browser import Browser, browsing, require_chromium
from video_pipeline_tests.scenarios.support.deployment import Claims
from video_pipeline_tests.scenarios.support.executing import unfinished
from video_pipeline_tests.scenarios.support.running_up import RunningUp, running_up
from video_pipeline_tests.servers.webserver import Webserver

TALK, BROKEN, REFUSED = "acme/talk", "acme/interview", "globex/trailer"
HOSTILE = f"acme/{video_id_for(page_claims.HOSTILE_FOLDER)}"
_FOLDERS = {HOSTILE: page_claims.HOSTILE_FOLDER}
_CONFIGURATION = """\
storage:
  ingest: {folder: ingest}
providers:
  cuts: {plugin: pyscenedetect, options: {detector: adaptive}}
  whisper: {plugin: faster-whisper, options: {model: tiny.en}}
  whisper-large: {plugin: faster-whisper, options: {model: /srv/models/whisper-large}}
phases:
  shots: [cuts]
  transcript: [whisper]
projects:
  globex:
    phases: {transcript: [whisper-large]}
"""
_JOB, _AGAIN = "backfill_project", "Re-execute all (*)"
_MOST_CLICKS = 10
# The project's sensor looks every 30 s, for a while.
_FRESH_SECONDS = 60
# Pages whose pictures the documentation shows, and the most bytes of one.
_KEPT = ("shots", "timeline", "failed", "project", "runs")
_MOST_BYTES = 60_000


@dataclass(frozen=True)
class _Stage:
    up: RunningUp
    browser: Browser
    claims: Claims
    pictures: Path

    def deliver(self, key: str, name: str, content: bytes) -> None:
        """Deliver a file, complete from its first byte on."""
        project, _, video = key.partition("/")
        folder = self.up.file.parent / "ingest/projects" / project / "videos"
        path = folder / _FOLDERS.get(key, video) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(".part")
        part.write_bytes(content)
        part.rename(path)

    def await_ended(self, *keys: str) -> None:
        """Wait until each video has a run, and none of them is at work or queued."""

        def ended() -> bool:
            return all(map(self.up.runs, keys)) and not unfinished(self.up.instance)

        self.up.until(ended, f"the runs of {', '.join(keys)} have ended")

    def read(self, page: str, address: str) -> None:
        """Open a page, take its picture, and record the claims about it."""
        self.browser.open(f"{self.up.url}/{address}")
        self.browser.picture(self.pictures / f"{page}.png")
        run = self.browser.run
        seen = page_claims.Seen(
            self.browser.text, run(page_claims.PICTURES), run(page_claims.PLANTED)
        )
        (self.pictures / f"{page}.txt").write_text(seen.text)
        for claim in page_claims.claims_of(page):
            contradiction = claim.look(seen)
            self.claims.holds(f"{page}: {claim.what}", not contradiction, contradiction)


def run(*arguments: str) -> int:
    """Return 0 if every claim holds."""
    options = _options(arguments)
    require_chromium()
    claims = Claims()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pages-")))
        checkout = ROOT
        if options.of:
            checkout = stack.enter_context(checked_out(options.of, folder / "checkout"))
        pictures = options.into or Path(tempfile.mkdtemp(prefix="pictures-"))
        pictures.mkdir(parents=True, exist_ok=True)
        file = folder / "pipeline.yaml"
        file.write_text(_CONFIGURATION)
        (folder / "ingest").mkdir()
        up = stack.enter_context(running_up(folder / "home", file, checkout))
        stage = _Stage(up, stack.enter_context(browsing()), claims, pictures)
        short = reels.cut(folder / "short.mp4")
        _prepare(stage, short)
        _read_all(stage)
        try:
            _walk(stage, short)
        except LookupError as error:
            claims.holds("walk: every click can be made", False, error)
    print(f"pictures: {pictures}")
    if options.keep:
        for page in _KEPT:
            _keep(pictures / f"{page}.png", options.keep / f"page-{page}.webp")
    return claims.verdict()


def _options(arguments: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("./run scenario pages")
    parser.add_argument("--into", type=Path, help="a folder for the pictures")
    parser.add_argument("--keep", type=Path, help="a folder for small ones of the best pages")
    parser.add_argument("--of", metavar="COMMIT", help="read an earlier revision's pages")
    return parser.parse_args(arguments)


def _prepare(stage: _Stage, short: bytes) -> None:
    """Deliver the videos, and wait for their runs."""
    talk, trailer = (file.read_bytes() for file in drawn())
    stage.deliver(TALK, page_claims.TALK_FILE, talk)
    # As an upload that was cut off leaves it: its index stands at the end.
    stage.deliver(BROKEN, page_claims.BROKEN_FILE, short[: len(short) // 2])
    stage.deliver(HOSTILE, page_claims.HOSTILE_FILE, short)
    stage.deliver(REFUSED, page_claims.REFUSED_FILE, trailer)
    stage.await_ended(TALK, BROKEN, HOSTILE, REFUSED)
    _await_fresh(stage)


def _await_fresh(stage: _Stage) -> None:
    """Record whether the project's page is as new as its last change, the newest exports."""
    changed = _newest(stage.up, "exports")
    until = time.time() + _FRESH_SECONDS
    while _newest(stage.up, "project") < changed and time.time() < until:
        time.sleep(1)
    shown = _newest(stage.up, "project")
    told = f"{shown - changed:.0f} s after its last change"
    stage.claims.holds("the project's page is logged within 60 s", shown >= changed, told)


def _newest(up: RunningUp, asset: str) -> float:
    """Return the time of an asset's newest materialization in project acme, or 0."""
    keys = ["acme"] if asset == "project" else [TALK, HOSTILE]
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=keys)
    found = up.instance.fetch_materializations(wanted, limit=1).records
    return found[0].timestamp if found else 0.0


def _read_all(stage: _Stage) -> None:
    keys = {"talk": TALK, "broken": BROKEN, "hostile": HOSTILE, "refused": REFUSED}
    names = {name: quote(key, safe="") for name, key in keys.items()}
    names["broken_run"] = stage.up.runs(BROKEN)[0].run_id
    for page, address in page_claims.PAGES.items():
        if page == "backfill":
            names["backfill_run"] = _backfill(stage)
        print(page, flush=True)
        stage.read(page, address.format_map(names))


def _backfill(stage: _Stage) -> str:
    """Run the job `backfill_project` for what failed, and return its run."""
    config = {"only": "failed", "preview": False}
    server, up = Webserver(f"{stage.up.url}/graphql"), stage.up
    try:
        run_id = server.launch_job(_JOB, _configured(config), **{"dagster/partition": "acme"})
    except ValueError:  # Earlier revisions have no partition, but a field.
        run_id = server.launch_job(_JOB, _configured({**config, "project": "acme"}))
    done = dg.RunsFilter(run_ids=[run_id], statuses=[dg.DagsterRunStatus.SUCCESS])
    up.until(lambda: bool(up.instance.get_runs(done)), "the backfill is launched")
    stage.await_ended(BROKEN)
    return run_id


def _configured(config: dict[str, object]) -> dict[str, object]:
    return {"ops": {"launch_backfill": {"config": config}}}


def _walk(stage: _Stage, good: bytes) -> None:
    """Do the clicks of docs/dagster.md: from the start of `up` to a re-run that is good."""
    up, browser, claims = stage.up, stage.browser, stage.claims
    told = re.search(r"one project: (\S+)", up.said)
    browser.clicks.clear()
    browser.open(told[1] if told else f"{up.url}/assets/project?view=partitions")
    browser.click("acme")
    text = browser.text
    claims.holds("walk: the project names the file", page_claims.BROKEN_FILE in text, browser.url)
    for step in ("Runs", "Failed"):
        browser.click(step)
    # The first: the list leaves out the runs of backfills.
    failed = up.runs(BROKEN, dg.DagsterRunStatus.FAILURE)[-1].run_id
    browser.click(failed[:8])
    text = browser.text
    claims.holds("walk: the run says what to do", "Deliver a complete file" in text, browser.url)

    before = len(up.runs(BROKEN))
    stage.deliver(BROKEN, page_claims.BROKEN_FILE, good)
    up.until(lambda: len(up.runs(BROKEN)) > before, "the new version has a run of its own", 60)
    browser.click(_AGAIN)
    again = re.sub(r".*/runs/([\w-]+).*", r"\1", browser.url)
    stage.await_ended(BROKEN)
    browser.settle()
    browser.picture(stage.pictures / "walk-again.png")
    statuses = {run.run_id: run.status for run in up.runs(BROKEN)}
    claims.equal("walk: the re-run is good", dg.DagsterRunStatus.SUCCESS, statuses.get(again))
    claims.holds("walk: its page says so", "Success" in browser.text.split(), browser.url)
    made = up.instance.get_materialized_partitions(dg.AssetKey("exports"))
    claims.holds("walk: the video is published", BROKEN in made, sorted(made))
    clicks = browser.clicks
    claims.holds(f"walk: at most {_MOST_CLICKS} clicks", len(clicks) <= _MOST_CLICKS, clicks)
    page = (ROOT / "docs/dagster.md").read_text()
    unsaid = [one for one in clicks if one != failed[:8] and f"**{_escaped(one)}**" not in page]
    claims.equal("walk: docs/dagster.md names the same clicks", [], unsaid)


def _escaped(text: str) -> str:
    return text.replace("*", r"\*")


def _keep(picture: Path, small: Path) -> None:
    """Write a picture as a WebP that a page of the documentation can carry."""
    small.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(picture) as opened:
        for quality in range(80, 10, -10):
            opened.save(small, quality=quality, method=6)
            if small.stat().st_size <= _MOST_BYTES:
                return
    raise ValueError(f"{small} is larger than {_MOST_BYTES} bytes")
