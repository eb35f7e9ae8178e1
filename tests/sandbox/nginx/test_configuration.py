from pathlib import Path

import pytest

from meshctl.sandbox.nginx import configuration
from meshctl.sandbox.nginx.configuration import BadConfiguration, Server

EGRESS = """\
events {
}

http {
  log_format main '$remote_addr - $remote_user [$time_local]  $status '
  '"$request" $body_bytes_sent';
  access_log /var/log/nginx/access.log main;
  server {
    listen 443 ssl;   # TLS
    root /usr/share/nginx/html;
    server_name my-nginx.mesh-external.svc.cluster.local;
    ssl_certificate /certs/tls.crt;
    ssl_certificate_key /certs/tls.key;
    ssl_client_certificate /ca/example.com.crt;
    ssl_verify_client on;
  }
}
"""


def test_the_directives_of_the_egress_lab_make_a_server() -> None:
    (found,) = configuration.servers(EGRESS)
    assert found == Server(
        ((443, True),),
        ("my-nginx.mesh-external.svc.cluster.local",),
        certificate="/certs/tls.crt",
        key="/certs/tls.key",
        authority="/ca/example.com.crt",
        verify="on",
    )


def test_a_location_may_answer_by_itself() -> None:
    text = "http { server { listen 8080; location / { root /srv; return 200 'hello; you'; } } }"
    (found,) = configuration.servers(text)
    assert (found.answer, found.root) == ((200, "hello; you"), Path("/srv"))


@pytest.mark.parametrize(
    "text", ["http { server {", "http { listen 80 }", "http {} }", "http { server { listen x; } }"]
)
def test_what_nginx_refuses_is_refused(text: str) -> None:
    with pytest.raises(BadConfiguration):
        configuration.servers(text)
