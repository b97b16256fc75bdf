"""The stages that a study goes through once it is complete: fetching what it lacks, filling, sending, committing."""

from __future__ import annotations

import time
from pathlib import Path

from monai_inpaint.io.dicom.derive import new_uid
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs import pending_commitment, tasks
from monai_inpaint.pacs.archive import instances_below
from monai_inpaint.pacs.durable_files import bytes_below
from monai_inpaint.pacs.pending_commitment import pending, report_in
from monai_inpaint.pacs.service_stage import ServiceStage, Shared

_SILENCE = 3600.0  # seconds after which an archive that has not reported is asked again
_ATTEMPTS = 3  # how often results are sent that the archive does not keep


class Fetching(ServiceStage):
    """Fetches what a study lacks; where nothing can be fetched, it is filled as it is."""

    name, state, waits = "fetching", places.FETCHING, "waits for what it lacks"

    def __init__(self, shared: Shared) -> None:
        settings = shared.settings
        super().__init__(shared, tasks.fetcher, settings.rules, settings.fetch, settings.listen.title)

    def work(self, job: Path) -> str | None:
        if self.shared.settings.fetch is None:  # it is no longer in the settings
            self.queue.move(job, places.WAITING)
            return None
        with self.beside(job) as place:
            (place / places.INPUT).mkdir()
            most = max(self.shared.settings.study_bytes - bytes_below(job), 0)
            limit = self.queue.quota.room_for(most)
            with self.queue.moves.begin(limit) as move:
                outcome = self.done(job / places.INPUT, place / places.INPUT, limit, move)
            if outcome.how == tasks.LATER:
                return outcome.why
            if outcome.why == tasks.TOO_MUCH and limit < most and self._others_make_room():
                return tasks.NO_ROOM
            if outcome.how == tasks.DONE:
                self.queue.keep_fetched(job, place)
                self.log(f"study {job.name}: fetched {outcome.why}")
            elif outcome.how == tasks.FAILED:
                self.log(f"study {job.name}: nothing is fetched. {outcome.why}")
        self.queue.move(job, places.WAITING)
        return None

    def _others_make_room(self) -> bool:
        """Whether studies are on their way whose images go when they are done."""
        counts = self.queue.counts()
        return any(counts[state] for state in (places.ARRIVING, places.WAITING, places.SENDING, places.COMMITTING))


class Filling(ServiceStage):
    """Takes studies that are complete, and fills the next one."""

    name, state = "filling", places.WAITING

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared, tasks.filler, shared.settings.rules, shared.settings.report_skipped)

    def __call__(self) -> bool:
        into = places.FETCHING if self.shared.settings.fetch else places.WAITING
        for study, sentence in self.queue.arriving.take(self.shared.settings.quiet_seconds, into):
            self.log(f"study {study} {sentence}")
        return super().__call__()

    def work(self, job: Path) -> None:
        # A process killed after the results were made and before the job moved on has left them there.
        if (job / places.RESULTS).is_dir() or self._fill(job):
            self.queue.move(job, places.SENDING)

    def _fill(self, job: Path) -> bool:
        """Make the results; whether there are some to send."""
        filled = self.queue.filled(job)
        with self.beside(job) as place:
            results = place / places.RESULTS
            outcome = self.done(job / places.INPUT, results, filled)
            if outcome.how == tasks.FAILED and self.shared.settings.report_skipped:
                results = place / "failed"
                outcome = self.done(job / places.INPUT, results, filled, outcome.why)
            if outcome.how == tasks.FAILED:
                self.queue.fail(job, outcome.why)
                self.log(f"study {job.name} failed: {outcome.why}")
                return False
            made = [instance.uid for instance in instances_below(results)]
            if outcome.how == tasks.NOTHING:
                self.log(f"study {job.name}: nothing is filled. {outcome.why}")
                if not made:
                    self.queue.set_aside(job, results / places.RECORD)
                    return False
            self.queue.keep_results(job, results, made)
        if outcome.how == tasks.DONE:
            skipped = f". Not all is filled: {outcome.why}" if outcome.why else ""
            self.log(f"study {job.name} filled: {len(made)} results{skipped}")
        return True


class Sending(ServiceStage):
    """Sends the results of a study."""

    name, state, waits = "sending", places.SENDING, "waits to be sent"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared, tasks.sender, shared.settings.send, shared.settings.listen.title)

    def work(self, job: Path) -> str | None:
        outcome = self.done(job / places.RESULTS)
        if outcome.how == tasks.LATER:
            return outcome.why
        refused = outcome.why if outcome.how == tasks.PARTLY else ""
        if outcome.how == tasks.FAILED:
            self.queue.fail(job, outcome.why)
            self.log(f"study {job.name} failed: {outcome.why}")
        elif self.shared.settings.storage_commitment and outcome.taken:
            self.queue.await_commitment(job, outcome.taken, refused)
            self.log(f"study {job.name}: {outcome.why}")
        else:
            self.queue.finish(job, refused, [uid for _, uid in outcome.taken])
            self.log(f"study {job.name} done: {outcome.why}")
        return None


class Committing(ServiceStage):
    """Keeps the results of a study until the archive says that it keeps them; sends again what it does not keep."""

    name, state, waits = "committing", places.COMMITTING, "waits for the storage commitment"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared, tasks.committer, shared.settings.send, shared.settings.listen.title)

    def work(self, job: Path) -> str | None:
        if not self.shared.settings.storage_commitment:  # no longer
            self.queue.finish(job)
            self.log(f"study {job.name} done: a storage commitment is no longer asked for")
            return None
        if report_in(job) is None and (why := self._ask(job)):
            return why
        if report_in(job) is None:
            return ""
        self._end(job)
        return None

    def _ask(self, job: Path) -> str:
        """Ask, unless that was done lately; why the archive cannot be asked."""
        if time.time() - pending(job).asked < _SILENCE:
            return ""
        if pending(job).asked:
            self.log(f"study {job.name}: the archive has not reported on the storage commitment, and is asked again")
        transaction = new_uid()
        pending_commitment.ask(job, transaction)
        outcome = self.done(job, transaction)
        if outcome.how != tasks.DONE:
            return outcome.why
        pending_commitment.asked(job)
        return ""

    def _end(self, job: Path) -> None:
        """Do what the report says, and move the job on."""
        note, report = pending(job), report_in(job)
        assert report is not None
        lacking = [uid for _, uid in note.instances if uid not in report.kept]
        archive = self.shared.settings.send.name
        if not lacking:
            self.queue.finish(job)
            self.log(f"study {job.name} done: {archive} keeps {len(note.instances)} results")
            return
        failed = f"{archive} does not keep {len(lacking)} of {len(note.instances)} results ({report.reasons(lacking)})."
        if note.attempts >= _ATTEMPTS:
            self.queue.fail(job, f"{failed} They were sent {note.attempts} times.")
            self.log(f"study {job.name} failed: {failed}")
            return
        self.queue.move(job, places.SENDING)
        self.log(f"study {job.name}: {failed} They are sent again")
