"""The lock holds what the workspace declares, and a package's closure is cut out of it correctly."""

import re

import pytest
from closure import blocks, closure, runtime_closure
from workspace import LOCK, ROOT, declared, group, inside_closure, members, normalized, settings, third_party

SMALL_LOCK = """# written by a tool
alpha==1.0 \\
    --hash=sha256:aa
    # via -r -
beta==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:bb
    # via alpha
gamma==3.0 ; python_full_version < '3.12' \\
    --hash=sha256:c1
    # via
    #   -r -
    #   beta
gamma==3.1 ; python_full_version >= '3.12' \\
    --hash=sha256:c2
    # via
    #   -r -
    #   beta
delta==4.0 \\
    --hash=sha256:dd
    # via -r -
"""


def test_every_declared_third_party_dependency_is_locked():
    locked = blocks(LOCK.read_text())
    missing = [requirement for requirement in declared() if normalized(requirement) not in locked]
    assert not missing, f"run `make lock`: {missing}"


def test_every_locked_line_is_pinned_and_hashed():
    for name, texts in blocks(LOCK.read_text()).items():
        for text in texts:
            assert re.match(r"\S+==\S+", text), name
            assert "--hash=sha256:" in text, name


def test_the_lock_names_no_download_host_and_no_workspace_package():
    """INVARIANT: where packages come from is the user's pip configuration, never the repository."""
    text = LOCK.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert not {member.name for member in members()} & blocks(text).keys()


def test_nothing_is_locked_that_nobody_declares():
    locked = blocks(LOCK.read_text())
    reached = blocks(closure(declared(), LOCK.read_text()))
    assert set(locked) == set(reached)


def test_a_closure_follows_who_asked_for_what_and_keeps_every_marker_variant():
    assert list(blocks(closure(["alpha>=1"], SMALL_LOCK))) == ["alpha", "beta", "gamma"]
    assert len(blocks(closure(["gamma"], SMALL_LOCK))["gamma"]) == 2
    assert "sha256:c1" in closure(["gamma"], SMALL_LOCK)


def test_a_requirement_that_is_not_locked_says_how_to_lock_it():
    with pytest.raises(SystemExit, match="run `make lock`"):
        closure(["omega"], SMALL_LOCK)


def test_what_runs_is_installed_without_what_only_tests_and_checks_need():
    runtime = runtime_closure([member.name for member in members(which="runtime")], lock=LOCK.read_text())
    for name in ("pytest", "hypothesis", "mypy", "ruff", "testcontainers"):
        assert name not in blocks(runtime), name


def test_a_name_that_only_looks_like_a_workspace_package_is_refused():
    """INVARIANT: a stranger's package on an index is never installed in the place of ours."""
    with pytest.raises(SystemExit, match="no workspace package"):
        list(third_party(["usher-telemetri"], {"usher-telemetry"}))


def test_the_workspace_closure_contains_workspace_packages_transitively():
    names = {member.name for member in inside_closure(["usher-cli"])}
    assert {"usher-cli", "usher-local-stack", "usher-gateway-config", "usher-protos"} <= names


def test_every_workspace_source_folder_is_known_to_the_type_checker():
    paths = settings()["tool"]["mypy"]["mypy_path"]
    known = {path.removeprefix("$MYPY_CONFIG_FILE_DIR/") for path in paths}
    assert {str(member.folder.relative_to(ROOT) / "src") for member in members()} <= known


@pytest.mark.parametrize("name", ["install", "dev", "test"])
def test_a_dependency_group_gives_every_requirement_a_lower_bound(name):
    assert all(">=" in requirement for requirement in group(name))
