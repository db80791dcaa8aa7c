"""Programs in Go are built once for what is pinned, and a machine that cannot build them hears why."""

import pytest

from testkit.go_programs import built, lacking, pinned, source_files

GO = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1" in
  env) echo "${SAYS-go1.26.8}";;
  build) test -z "$FAILS" || { echo "no such package" >&2; exit 1; }
         while [ "$1" != -o ]; do shift; done; echo program > "$2/tool";;
  mod) echo "{\\"Dir\\": \\"$SOURCES\\"}";;
esac
"""
MODULE = "module example\n\nrequire (\n\texample.org/one v1.2.3\n\texample.org/one/more v0.1.0\n)\n"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module beside a `go` that writes down how it is called."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").write_text(GO)
    (tmp_path / "bin" / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("USHER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCES", str(tmp_path / "sources"))
    folder = tmp_path / "part"
    folder.mkdir()
    (folder / "go.mod").write_text(MODULE)
    (folder / "go.sum").write_text("")
    return folder


def calls(module):
    return (module.parent / "calls").read_text().splitlines()


def test_what_is_pinned_is_built_once(module):
    first = built(module)
    assert (first / "tool").read_text() == "program\n"
    assert built(module) == first
    assert len(calls(module)) == 1


def test_another_version_is_built_beside_the_first(module):
    first = built(module)
    (module / "go.mod").write_text(MODULE.replace("1.2.3", "1.2.4"))
    second = built(module)
    assert first != second
    assert first.exists()
    assert built(module, link=["-X a=b"]) not in {first, second}


def test_a_build_that_fails_says_why_and_leaves_nothing(module, monkeypatch):
    monkeypatch.setenv("FAILS", "yes")
    with pytest.raises(AssertionError, match="no such package"):
        built(module)
    assert list((module.parent / "cache" / "go" / "part").iterdir()) == []


def test_files_of_a_module_are_kept_under_its_name(module):
    source = module.parent / "sources" / "crds"
    source.mkdir(parents=True)
    for name in ("a.yaml", "b.yaml", "c.txt"):
        (source / name).write_text(name)
    kept = source_files(module, {"example.org/one": ["crds/*.yaml"]})
    assert sorted(path.name for path in (kept / "example.org" / "one" / "crds").iterdir()) == ["a.yaml", "b.yaml"]
    assert "example.org/one@v1.2.3" in calls(module)[0]
    with pytest.raises(AssertionError, match=r"has no crds/\*\.json"):
        source_files(module, {"example.org/one": ["crds/*.json"]})


def test_a_version_is_that_of_the_module_and_not_of_one_below_it(module):
    assert (pinned(module, "example.org/one"), pinned(module, "example.org/one/more")) == ("v1.2.3", "v0.1.0")
    with pytest.raises(AssertionError, match="does not require"):
        pinned(module, "example.org/two")


@pytest.mark.parametrize(
    ("says", "why"), [("go1.26.8", ""), ("go1.27", ""), ("go1.25.9", "needs Go 1.26 or newer"), ("", "says nothing")]
)
def test_an_old_go_is_told_from_a_new_one(module, monkeypatch, says, why):
    monkeypatch.setenv("SAYS", says)
    found = lacking(module, (1, 26))
    assert why in found if why else found == ""


def test_a_machine_without_go_is_told_so(module, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert lacking(module, (1, 26)) == "part is written in Go, which is not installed"
