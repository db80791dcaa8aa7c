import re

from openapi_spec_validator import validate


def test_the_openapi_document_is_served_and_valid(client):
    response = client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    validate(response.json())


def test_the_documentation_page_and_all_it_loads_come_from_the_gateway(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
    assert len(loaded) == 3
    for path in loaded:
        assert client.get(path).status_code == 200
    assert "://" not in page.text


def test_the_root_leads_to_the_documentation(client):
    assert client.get("/").headers["location"].endswith("/docs")


def test_pages_reach_no_service(gateway, client):
    client.get("/docs")
    client.get("/openapi.json")
    assert gateway.services.calls == []
