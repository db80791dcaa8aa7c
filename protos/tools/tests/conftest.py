"""The contracts of this checkout, compiled once; and a small checkout of its own to change."""

import shutil

import pytest

from contracts.compiler import compile_image
from contracts.image import Image
from contracts.openapi import make_document
from contracts.places import Places


@pytest.fixture(scope="session")
def image():
    places = Places.of_checkout()
    return Image(compile_image(places.protos, places.contract_files(), source_info=True))


@pytest.fixture(scope="session")
def document(image):
    return make_document(image.proto)


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the access rules and one contract of its own."""
    ours = Places.of_checkout()
    places = Places(tmp_path)
    (places.protos / "usher/access/v1").mkdir(parents=True)
    (places.protos / "usher/probe/v1").mkdir(parents=True)
    shutil.copy(ours.protos / "usher/access/v1/access.proto", places.protos / "usher/access/v1")
    shutil.copy(ours.buf_config, places.buf_config)
    (places.protos / "usher/probe/v1/probe_service.proto").write_text(PROBE)
    places.openapi.parent.mkdir(parents=True)
    return places


PROBE = """\
syntax = "proto3";

// Something to try the tools on.
package usher.probe.v1;

import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "usher/access/v1/access.proto";

// Probes.
service ProbeService {
  // Reads one. NOT_FOUND.
  rpc GetProbe(GetProbeRequest) returns (GetProbeResponse) {
    option (google.api.http) = {get: "/v1/{name=probes/*}"};
    option (usher.access.v1.rule) = {public: true};
  }
}

// Asks for one.
message GetProbeRequest {
  // Its name.
  string name = 1 [(buf.validate.field).string.pattern = "^probes/[a-z]{3}$"];
  // How deep to look.
  int32 depth = 2 [(buf.validate.field).int32 = {gte: 0, lte: 9}];
}

// One probe.
message GetProbeResponse {
  // Its name.
  string name = 1;
}
"""
