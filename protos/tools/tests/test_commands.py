import pytest

from contracts import commands
from contracts.buf import accept, breaking, lint
from contracts.compiler import CompilationFailed

PROBE = "usher/probe/v1/probe_service.proto"


def edit(checkout, old: str, new: str) -> None:
    path = checkout.protos / PROBE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_was_generated_is_fresh_and_generating_again_writes_nothing(checkout, capsys):
    assert commands.generate(checkout) == 0
    assert "probe_service_pb2_grpc.py" in capsys.readouterr().out
    assert commands.check(checkout) == 0
    assert commands.generate(checkout) == 0
    assert capsys.readouterr().out == ""


def test_check_fails_when_a_contract_was_changed_without_generating(checkout, capsys):
    commands.generate(checkout)
    edit(checkout, "int32 depth = 2", "int32 deepness = 2")
    assert commands.check(checkout) == 1
    assert "usher/probe/v1/probe_service_pb2.pyi" in capsys.readouterr().err


def test_check_fails_when_the_document_was_changed_by_hand(checkout, capsys):
    commands.generate(checkout)
    checkout.openapi.write_text("{}")
    assert commands.check(checkout) == 1
    assert "openapi.json" in capsys.readouterr().err


def test_stubs_of_a_contract_that_is_gone_are_removed(checkout):
    commands.generate(checkout)
    (checkout.protos / PROBE).unlink()
    assert commands.check(checkout) == 1
    commands.generate(checkout)
    assert not list(checkout.stubs.glob("usher/probe/**/*.py"))


def test_stubs_import_the_validation_rules_from_our_own_package(checkout):
    commands.generate(checkout)
    text = (checkout.stubs / "usher/probe/v1/probe_service_pb2.py").read_text()
    assert "from usher.buf.validate import validate_pb2" in text
    assert "\nfrom buf" not in text


def test_a_contract_that_does_not_compile_is_told_with_its_line(checkout):
    edit(checkout, "int32 depth", "int33 depth")
    with pytest.raises(CompilationFailed, match=r"probe_service\.proto:24.*int33"):
        commands.generate(checkout)
    assert not checkout.stubs.exists()


def test_lint_wants_comments(checkout, capfd):
    assert lint(checkout) == 0
    edit(checkout, "  // How deep to look.\n", "")
    assert lint(checkout) != 0
    assert "depth" in capfd.readouterr().out


def test_a_change_that_breaks_clients_is_refused_until_it_is_accepted(checkout, capfd):
    accept(checkout)
    edit(checkout, "  // How deep to look.", "  // Something new.\n  bool fresh = 3;\n  // How deep to look.")
    assert breaking(checkout) == 0
    edit(checkout, "int32 depth = 2", "int32 depth = 4")
    assert breaking(checkout) != 0
    assert "depth" in capfd.readouterr().out
    accept(checkout)
    assert breaking(checkout) == 0
