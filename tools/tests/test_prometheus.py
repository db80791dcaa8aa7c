"""Where Prometheus comes from when it is not installed."""

import stat

import prometheus
import pytest


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """`programs(name, script)` puts a shell script on an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(prometheus, "CACHE", tmp_path / "cache" / "prometheus")

    def put(name, script=""):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return put


def test_what_is_installed_is_taken(programs):
    programs("promtool")
    assert prometheus.here() == ""
    path = programs("prometheus")
    assert prometheus.here() == path


def test_without_debian_it_is_said_what_to_do(programs):
    with pytest.raises(SystemExit, match="put them on the PATH"):
        prometheus.unpack()


def test_a_package_that_cannot_be_had_leaves_nothing_behind(programs):
    programs("apt-get", "echo 'E: Unable to locate package prometheus' >&2; exit 100")
    programs("dpkg-deb")
    with pytest.raises(SystemExit, match="Unable to locate package prometheus; has apt-get update been run"):
        prometheus.unpack()
    assert list(prometheus.CACHE.parent.iterdir()) == []


def test_the_package_is_unpacked_into_the_cache(programs):
    programs("apt-get", "/bin/touch prometheus_2.42_amd64.deb")
    programs("dpkg-deb", '/bin/mkdir -p "$3/usr/bin"; for each in prometheus promtool; do '
             'echo > "$3/usr/bin/$each"; /bin/chmod +x "$3/usr/bin/$each"; done')  # fmt: skip
    prometheus.unpack()
    assert prometheus.here() == str(prometheus.CACHE / "usr" / "bin" / "prometheus")
