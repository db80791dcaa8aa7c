import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mongo_store import as_stored
from user_service.outbound import documents

MAPPERS = {
    "users": (documents.user_to_document, documents.user_from_document),
    "sessions": (documents.session_to_document, documents.session_from_document),
    "organizers": (documents.organizer_to_document, documents.organizer_from_document),
}


@pytest.mark.parametrize("kind", MAPPERS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_field_comes_back_from_the_store(kind, aggregates, data):
    aggregate = data.draw(aggregates[kind])
    to_document, from_document = MAPPERS[kind]
    document = {**to_document(aggregate), "_id": aggregate.name, "version": aggregate.version}
    assert from_document(as_stored(document)) == aggregate


@pytest.mark.parametrize(
    ("kind", "secrets"), [("users", documents.USER_SECRETS), ("sessions", documents.SESSION_SECRETS)]
)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_recorded_answer_reads_without_its_secrets(kind, secrets, aggregates, data):
    aggregate = data.draw(aggregates[kind])
    to_document, from_document = MAPPERS[kind]
    document = {**to_document(aggregate), "_id": aggregate.name, "version": aggregate.version}
    recorded = {field: value for field, value in document.items() if field not in secrets}
    assert from_document(as_stored(recorded)).name == aggregate.name
    assert set(secrets) <= set(document)
