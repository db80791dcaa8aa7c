"""The etag a store compares is the one the API sends."""

import resource_api.etags
from mongo_store.repository import etag_of


def test_store_and_api_agree_on_etags():
    assert all(etag_of(version) == resource_api.etags.etag_of(version) for version in range(300))
