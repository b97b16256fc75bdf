"""The pages for those who run the service say what the code does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian
from pynetdicom import (
    ALL_TRANSFER_SYNTAXES,
    PYNETDICOM_IMPLEMENTATION_UID,
    PYNETDICOM_IMPLEMENTATION_VERSION,
    AllStoragePresentationContexts,
)

from monai_inpaint.pacs import (
    admission,
    association,
    commitment,
    dicomweb,
    getter,
    moves,
    receiver,
    requestor,
    worklist_service,
    worklist_web,
)

DOCS = Path(__file__).parents[2] / "docs"
STATEMENT = (DOCS / "conformance.md").read_text(encoding="utf-8")


def test_the_conformance_statement_tells_what_is_negotiated() -> None:
    assert DeflatedExplicitVRLittleEndian in ALL_TRANSFER_SYNTAXES
    for said in (
        f"the {len(AllStoragePresentationContexts)} storage SOP classes that pynetdicom",
        f"all {len(ALL_TRANSFER_SYNTAXES) - 1} that pynetdicom",
        PYNETDICOM_IMPLEMENTATION_UID,
        PYNETDICOM_IMPLEMENTATION_VERSION,
        f"| {admission.KNOWN}, at most {admission.KNOWN_FROM_ONE} from one address |",
        f"| {association._LONGEST_DATA:,} bytes | {requestor.PDU:,} bytes |",
        f"| time for a request | {association._OPENING:.0f} s with TLS | {requestor.SECONDS:.0f} s |",
        f"| time for a PDU | {association._SECONDS:.0f} s | {requestor.SECONDS:.0f} s |",
    ):
        assert str(said) in STATEMENT, said
    for code in (association._NO_SUCH_CALLER, association._NO_SUCH_TITLE, association._NO_PLACE):
        assert str(code) in STATEMENT


def test_the_conformance_statement_lists_every_status_that_a_sender_may_get() -> None:
    statuses = (
        receiver.SUCCESS,
        receiver.DUPLICATE,
        receiver.NO_RESOURCES,
        receiver.DOES_NOT_MATCH,
        receiver.CANNOT_UNDERSTAND,
        association.NOT_SUPPORTED,
    )
    table = STATEMENT.partition("### Storage SCP")[2].partition("### Storage SCU")[0]

    assert set(re.findall(r"^\| ([0-9A-F]{4}) \|", table, re.MULTILINE)) == {f"{status:04X}" for status in statuses}


def test_the_conformance_statement_tells_what_is_proposed_for_what_is_fetched() -> None:
    section = STATEMENT.partition("### Query/Retrieve SCU")[2].partition("## DICOMweb")[0]

    named = re.findall(r"1\.2\.840\.10008\.1\.2[0-9.]*(?=[ ,])", section)
    assert sorted(named) == sorted(uid for context in getter.SYNTAXES for uid in context)
    assert f"each with {'ten' if len(getter.SYNTAXES) == 10 else ''} presentation contexts" in section
    assert f"each with the {'five' if len(getter.REGION_SYNTAXES) == 5 else ''} of them" in section
    words = section.replace("\n", " ")
    for kind in (*getter.IMAGES, *getter.REGIONS):
        name = UID(kind).name.removesuffix(" Image Storage")
        main, _, purpose = name.partition(" Image Storage - For ")
        assert main.removesuffix(" Image Storage") in words, name
        assert purpose.lower() in words
    assert len(getter.PROPOSED) + 2 <= 128  # PS3.8: odd numbers from 1 to 255
    assert f"up to {getter._SILENCE:.0f} s" in section
    assert f"For {moves._LATE:.0f} s after the request is over" in section


def test_every_row_of_a_page_belongs_to_a_table() -> None:
    for page in sorted(DOCS.rglob("*.md")):
        lines = page.read_text(encoding="utf-8").splitlines()
        for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
            if line.startswith("|") and not before.startswith("|"):
                assert re.match(r"\|[ :|-]+$", after), f"{page.name}: {line}"


def test_the_conformance_statement_tells_what_a_report_on_a_storage_commitment_is_answered_with() -> None:
    section = STATEMENT.partition("### Storage Commitment SCU")[2].partition("### Unified")[0]

    statuses = {commitment.SUCCESS, commitment.CANNOT_PROCESS, commitment.NO_RESOURCES}
    table = section.partition("is answered with:")[2]
    assert set(re.findall(r"^\| ([0-9A-F]{4}) \|", table, re.MULTILINE)) == {f"{status:04X}" for status in statuses}
    assert f"{commitment._TOGETHER:.0f} s on this association" in section


def test_the_conformance_statement_tells_which_statuses_say_that_a_work_item_is_not_ours() -> None:
    assert f"| {', '.join(f'{status:04X}' for status in worklist_service.OVER)} | it is not ours" in STATEMENT


def test_the_conformance_statement_tells_which_answers_of_a_web_worklist_refuse() -> None:
    assert f"| {', '.join(map(str, sorted(worklist_web.GONE + worklist_web.REFUSED)))} | as C301" in STATEMENT


def test_the_conformance_statement_tells_which_answers_of_dicomweb_refuse() -> None:
    *some, last = sorted(dicomweb._REFUSES)

    assert f"HTTP status is {', '.join(map(str, some))} or {last}" in STATEMENT


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_unit_of_the_page(tmp_path: Path) -> None:
    page = (DOCS / "operation.md").read_text(encoding="utf-8")
    unit = (
        page.partition("```ini\n")[2].partition("```")[0].replace("/opt/monai-inpaint/bin/monai-inpaint", "/bin/true")
    )
    path = tmp_path / "monai-inpaint.service"
    path.write_text(unit)

    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)

    assert "StateDirectory" in unit
    assert not [line for line in done.stderr.splitlines() if path.name in line], done.stderr
