"""What the mail catcher keeps and how it is read again."""

from local_stack.mail_folder import DELIVERIES, caught, keep

RAW = b"From: a@example.org\r\nTo: b@example.org\r\nMessage-ID: <1@usher>\r\nSubject: Hi\r\n\r\nHello\r\n"


def test_a_repeated_message_id_is_one_file_and_two_deliveries(tmp_path):
    assert keep(tmp_path, RAW, ["b@example.org"], "2030-01-01T00:00:00Z")
    assert not keep(tmp_path, RAW, ["b@example.org"], "2030-01-01T00:00:01Z")
    (mail,) = caught(tmp_path)
    assert (mail.subject, mail.recipients, mail.deliveries) == ("Hi", ("b@example.org",), 2)


def test_messages_without_an_id_are_told_apart_by_their_bytes(tmp_path):
    anonymous = RAW.replace(b"Message-ID: <1@usher>\r\n", b"")
    assert keep(tmp_path, anonymous, [], "now")
    assert keep(tmp_path, anonymous.replace(b"Hello", b"Bye"), [], "now")
    assert len(caught(tmp_path)) == 2


def test_a_message_id_cannot_lead_out_of_the_folder(tmp_path):
    folder = tmp_path / "mail"
    keep(folder, RAW.replace(b"<1@usher>", b"<../../evil>"), [], "now")
    assert {path.parent for path in tmp_path.rglob("*.eml")} == {folder}


def test_a_half_written_delivery_line_does_not_hide_the_messages(tmp_path):
    keep(tmp_path, RAW, [], "now")
    with (tmp_path / DELIVERIES).open("a") as log:
        log.write('{"id": "abc')
    assert [mail.deliveries for mail in caught(tmp_path)] == [1]


def test_a_folder_that_was_never_made_holds_nothing(tmp_path):
    assert caught(tmp_path / "none") == []
