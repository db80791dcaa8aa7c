"""When an install is needed and when the second `make` has nothing to do."""

import json

import install
import pytest


@pytest.fixture
def steps(monkeypatch):
    """Records the commands instead of running them."""
    ran = []
    monkeypatch.setattr(install, "run", lambda *command: ran.append(command))
    monkeypatch.setattr(install, "create", lambda environment: (environment / "bin").mkdir(parents=True))
    return ran


def test_a_fresh_environment_gets_locked_packages_with_hashes_and_then_the_workspace_without_resolving(tmp_path, steps):
    install.install(tmp_path / "venv", "all")
    locked, workspace = steps
    assert "--require-hashes" in locked
    assert "--no-deps" in workspace
    assert "--no-build-isolation" in workspace
    assert sum(argument == "--editable" for argument in workspace) == len(install.members())


def test_a_runtime_install_leaves_out_packages_that_only_generate_and_check(tmp_path, steps):
    install.install(tmp_path / "venv", "runtime")
    assert not any(argument.endswith("protos/tools") for argument in steps[1])


@pytest.mark.parametrize(
    ("stamp", "wanted", "nothing_to_do"),
    [
        ({"digest": "same", "set": "all"}, "all", True),
        ({"digest": "same", "set": "all"}, "runtime", True),
        ({"digest": "same", "set": "runtime"}, "runtime", True),
        ({"digest": "same", "set": "runtime"}, "all", False),
        ({"digest": "older", "set": "all"}, "all", False),
    ],
)
def test_an_unchanged_environment_is_left_alone(tmp_path, stamp, wanted, nothing_to_do):
    (tmp_path / install.STAMP).write_text(json.dumps(stamp))
    assert install.is_installed(tmp_path, wanted, "same") is nothing_to_do


def test_an_environment_without_a_stamp_is_installed(tmp_path):
    assert not install.is_installed(tmp_path, "all", "same")


def test_an_interrupted_install_leaves_no_stamp(tmp_path, monkeypatch, steps):
    def fail(*_):
        raise SystemExit("failed: pip")

    monkeypatch.setattr(install, "run", fail)
    monkeypatch.setattr("sys.argv", ["install", "--into", str(tmp_path / "venv")])
    with pytest.raises(SystemExit):
        install.main()
    assert not (tmp_path / "venv" / install.STAMP).exists()
