"""An update changes what its mask names and nothing else."""

import pytest
from google.api import field_behavior_pb2 as behavior
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.field_mask_pb2 import FieldMask

from domain_kit.refusals import InvalidArgument
from resource_api import apply_update_mask, mask_paths

FIELD = descriptor_pb2.FieldDescriptorProto


@pytest.fixture(scope="module")
def make_show():
    """name (identifier), title, venue {city, country}, tags, kind (immutable), state (output only), optional note."""
    file = descriptor_pb2.FileDescriptorProto(
        name="show.proto",
        package="show",
        syntax="proto3",
        dependency=["google/api/field_behavior.proto"],
    )
    venue = file.message_type.add(name="Venue")
    venue.field.add(name="city", number=1, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    venue.field.add(name="country", number=2, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    show = file.message_type.add(name="Show")
    for number, (name, mark) in enumerate(
        [("name", behavior.IDENTIFIER), ("title", None), ("kind", behavior.IMMUTABLE), ("state", behavior.OUTPUT_ONLY)],
        1,
    ):
        field = show.field.add(name=name, number=number, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
        if mark is not None:
            field.options.Extensions[behavior.field_behavior].append(mark)
    show.field.add(name="tags", number=5, type=FIELD.TYPE_STRING, label=FIELD.LABEL_REPEATED)
    show.field.add(name="venue", number=6, type=FIELD.TYPE_MESSAGE, type_name=".show.Venue", label=FIELD.LABEL_OPTIONAL)
    show.field.add(
        name="venues", number=7, type=FIELD.TYPE_MESSAGE, type_name=".show.Venue", label=FIELD.LABEL_REPEATED
    )
    note = show.field.add(name="note", number=8, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    note.proto3_optional, note.oneof_index = True, 0
    show.oneof_decl.add(name="_note")
    pool = descriptor_pool.DescriptorPool()
    for each in (descriptor_pb2.DESCRIPTOR, behavior.DESCRIPTOR):
        pool.AddSerializedFile(each.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("show.Show"))


@pytest.fixture
def stored(make_show):
    return make_show(
        name="shows/a",
        title="old",
        kind="GIG",
        state="DRAFT",
        tags=["x"],
        venue={"city": "Wien", "country": "AT"},
        note="n",
    )


def test_only_what_the_mask_names_changes(make_show, stored):
    patch = make_show(title="new", tags=["y", "z"], venue={"city": "Graz", "country": "DE"})
    updated = apply_update_mask(stored, patch, FieldMask(paths=["title", "venue.city", "tags"]))
    assert (updated.title, list(updated.tags)) == ("new", ["y", "z"])
    assert (updated.venue.city, updated.venue.country) == ("Graz", "AT")
    assert stored.title == "old"


def test_what_is_named_but_not_given_is_cleared(make_show, stored):
    updated = apply_update_mask(stored, make_show(), FieldMask(paths=["title", "tags", "venue.city", "note"]))
    assert (updated.title, list(updated.tags), updated.venue.city, updated.HasField("note")) == ("", [], "", False)
    assert updated.venue.country == "AT"
    assert not apply_update_mask(stored, make_show(), FieldMask(paths=["venue"])).HasField("venue")


def test_clearing_below_something_that_is_not_there_does_not_make_it(make_show):
    updated = apply_update_mask(make_show(name="shows/a"), make_show(), FieldMask(paths=["venue.city"]))
    assert not updated.HasField("venue")


def test_without_a_mask_the_fields_given_are_meant(make_show, stored):
    updated = apply_update_mask(stored, make_show(name="shows/a", title="new", note=""), FieldMask())
    assert (updated.title, updated.note, list(updated.tags)) == ("new", "", ["x"])


def test_a_star_replaces_everything_that_may_change(make_show, stored):
    updated = apply_update_mask(stored, make_show(title="new"), FieldMask(paths=["*"]))
    assert (updated.title, list(updated.tags), updated.HasField("venue")) == ("new", [], False)
    assert (updated.name, updated.kind, updated.state) == ("shows/a", "GIG", "DRAFT")


def test_fields_that_only_the_server_sets_are_passed_over(make_show, stored):
    patch = make_show(state="PUBLISHED", title="new")
    updated = apply_update_mask(stored, patch, FieldMask(paths=["state", "title"]))
    assert (updated.state, updated.title) == ("DRAFT", "new")
    assert mask_paths(patch, FieldMask(paths=["state", "title"])) == ("title",)


def test_a_fixed_field_may_be_sent_back_but_not_changed(make_show, stored):
    same = make_show(name="shows/a", kind="GIG", title="new")
    assert apply_update_mask(stored, same, FieldMask(paths=["name", "kind", "title"])).title == "new"
    for patch, mask in (
        (make_show(kind="TALK"), ["kind"]),
        (make_show(), ["kind"]),
        (make_show(kind="TALK"), ["*"]),
        (make_show(kind="TALK"), []),
        (make_show(name="shows/b"), []),
    ):
        with pytest.raises(InvalidArgument, match="FIELD_IMMUTABLE"):
            apply_update_mask(stored, patch, FieldMask(paths=mask))
    with pytest.raises(InvalidArgument, match="FIELD_IMMUTABLE"):
        apply_update_mask(stored, make_show(title="new"), FieldMask(paths=["title"]), immutable=["title"])


@pytest.mark.parametrize("path", ["colour", "venue.colour", "title.x", "venues.city", "", ".", "titlE", "tags.0"])
def test_a_path_that_does_not_exist_is_refused(make_show, stored, path):
    with pytest.raises(InvalidArgument) as caught:
        apply_update_mask(stored, make_show(), FieldMask(paths=[path]))
    assert (caught.value.reason, caught.value.violations[0].field) == ("UPDATE_MASK_INVALID", "update_mask")


def test_a_path_inside_another_is_part_of_it(make_show):
    assert mask_paths(make_show(), FieldMask(paths=["venue.city", "venue", "title", "title"])) == ("title", "venue")


def test_a_mask_with_more_paths_than_any_resource_has_is_refused_unread(make_show, stored):
    mask = FieldMask(paths=[f"p{number}" for number in range(100_000)])
    with pytest.raises(InvalidArgument) as caught:
        apply_update_mask(stored, make_show(title="new"), mask)
    assert (caught.value.reason, caught.value.violations[0].field) == ("UPDATE_MASK_INVALID", "update_mask")
    assert "at most 200" in str(caught.value)
