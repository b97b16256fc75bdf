"""What the application refuses to start with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import App


def _started(*words: object, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "monai_inpaint.web", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})


@pytest.mark.parametrize(
    ("words", "variables", "sentence"),
    [
        (["--token-file", "/nowhere"], {}, "/nowhere does not exist"),
        ([], {"MONAI_INPAINT_WEB_TOKEN": "short"}, "The secret in MONAI_INPAINT_WEB_TOKEN is not 16 to 512 letters"),
        ([], {"MONAI_INPAINT_WEB_TOKEN": ""}, "The secret in MONAI_INPAINT_WEB_TOKEN is not 16 to 512 letters"),
        (["--origin", "fill.example/x"], {}, "--origin fill.example/x is not of the form https://name:port"),
        (["--port", "99999"], {}, "--port 99999 is not a port"),
        (["--host", "192.0.2.1"], {}, "of 192.0.2.1 cannot be listened on"),
        (["nowhere.nii"], {}, "nowhere.nii does not exist"),
    ],
)
def test_what_could_not_start_is_refused_in_a_sentence(words: list[str], variables: dict, sentence: str) -> None:
    ran = _started(*words, **variables)

    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_port_in_use_is_refused_in_a_sentence(app: App) -> None:
    ran = _started("--port", app.port)

    assert ran.returncode == 2
    assert f"Port {app.port} of 127.0.0.1 cannot be listened on (Address already in use)" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_secret_among_the_arguments_is_not_taken() -> None:
    assert _started("--token", "a-secret-of-their-own").returncode == 2
