"""Credentials: where they are looked for, and that they never show."""

import copy
import json
import logging
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from gextui import secrets
from gextui.secrets import Secret, SecretError, SecretName, UnsafeSecretFileError, find_secret, redact

CANARY = "canary-3f9a/+=7"
NAME = SecretName.TRADIER_TOKEN


@dataclass
class Holder:
    token: Secret


def test_only_reveal_shows_it() -> None:
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>5}",
        f"{secret:>5}",
        "%s" % secret,  # noqa: UP031
        repr([secret]),
        repr(Holder(secret)),
        repr(asdict(Holder(secret))),
        pickle.dumps(secret).decode("latin1"),
        repr(copy.deepcopy(secret)),
    ]
    assert all(CANARY not in text and "***" in text for text in shown)
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("form", [CANARY, "canary-3f9a%2F%2B%3D7", "Y2FuYXJ5LTNmOWEvKz03", json.dumps(CANARY)])
def test_redact_hides_every_form_of_a_secret_that_was_read(form: str) -> None:
    Secret(CANARY)
    assert redact(f"GET /x?token={form}&y") in (f"GET /x?token={seen}&y" for seen in ("***", '"***"'))


class TestFinding:
    def test_nothing_given(self) -> None:
        assert find_secret(NAME, environ={}) is None

    def test_the_first_place_wins(self, tmp_path: Path) -> None:
        file = private(tmp_path / "file", "from-file")
        (tmp_path / "tradier_token").write_text("from-systemd\n")
        places = {"CREDENTIALS_DIRECTORY": str(tmp_path), "GEXTUI_TRADIER_TOKEN": "from-environment"}
        command = [sys.executable, "-c", "print('from-command')"]
        assert found(environ=places, command=command, file=file) == ("from-systemd", "systemd credential")
        del places["CREDENTIALS_DIRECTORY"]
        assert found(environ=places, command=command, file=file) == ("from-environment", "GEXTUI_TRADIER_TOKEN")
        assert found(environ={}, command=command, file=file) == ("from-command", "tradier_token_command")
        assert found(environ={}, file=file) == ("from-file", "tradier_token_file")

    @pytest.mark.parametrize("text", ["two\nlines", "bell\a", "naïve"])
    def test_what_is_no_credential(self, text: str) -> None:
        with pytest.raises(SecretError, match="GEXTUI_TRADIER_TOKEN gives something that is no credential") as caught:
            find_secret(NAME, environ={NAME.variable: text})
        assert text not in str(caught.value)


def found(environ: Mapping[str, str], command: Sequence[str] = (), file: str = "") -> tuple[str, str]:
    answer = find_secret(NAME, command=command, file=file, environ=environ)
    assert answer is not None
    return answer[0].reveal(), answer[1]


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


class TestFile:
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
    def test_one_that_others_can_read_is_refused_with_the_remedy(self, tmp_path: Path, mode: int) -> None:
        path = Path(private(tmp_path / "token", CANARY))
        path.chmod(mode)
        with pytest.raises(UnsafeSecretFileError, match=f"run: chmod 600 {path}"):
            find_secret(NAME, file=str(path), environ={})

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(SecretError, match="No such file"):
            find_secret(NAME, file=str(tmp_path / "token"), environ={})

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SecretError, match="is not a file"):
            find_secret(NAME, file=str(tmp_path), environ={})

    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(SecretError, match="gives nothing"):
            find_secret(NAME, file=private(tmp_path / "token", "\n"), environ={})

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
    def test_another_users(self, tmp_path: Path) -> None:
        path = private(tmp_path / "token", CANARY)
        os.chown(path, 12345, 12345)
        with pytest.raises(UnsafeSecretFileError, match="belongs to another user"):
            find_secret(NAME, file=path, environ={})


class TestCommand:
    @pytest.mark.parametrize(
        ("program", "said"),
        [
            ("raise SystemExit(3)", "tradier_token_command failed with exit code 3"),
            ("print('x' * 100_000)", "prints more than 8192 bytes"),
            ("pass", "gives nothing"),
            ("import sys; sys.stderr.write('canary'); sys.exit(1)", "failed with exit code 1"),
        ],
    )
    def test_what_goes_wrong_is_said_without_its_output(
        self, program: str, said: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SecretError, match=said) as caught:
            find_secret(NAME, command=[sys.executable, "-c", program], environ={})
        assert "canary" not in str(caught.value)
        assert capfd.readouterr() == ("", "")

    def test_one_that_hangs_is_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.2)
        with pytest.raises(SecretError, match=r"did not finish in 0\.2 seconds"):
            find_secret(NAME, command=["/bin/sh", "-c", "sleep 60"], environ={})

    def test_one_that_is_not_there(self) -> None:
        with pytest.raises(SecretError, match="cannot be run: No such file"):
            find_secret(NAME, command=["/no/such/program"], environ={})

    def test_it_sees_no_other_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GEXTUI_ANTHROPIC_API_KEY", CANARY)
        program = "import os; print(os.environ.get('GEXTUI_ANTHROPIC_API_KEY', 'nothing'))"
        assert found(command=[sys.executable, "-c", program], environ={})[0] == "nothing"


def test_a_secret_does_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("gextui.test").warning("token %s", Secret(CANARY))
    assert CANARY not in caplog.text
