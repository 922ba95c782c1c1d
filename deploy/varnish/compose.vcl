# Varnish of compose.yaml: both servers, and a worker that sends its PURGE from the same network.
vcl 4.1;

import directors;

backend server_1 {
    .host = "server-1";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 60s;
    .between_bytes_timeout = 30s;
    .probe = {
        .url = "/health/ready";
        .interval = 1s;
        .timeout = 2s;
    }
}

backend server_2 {
    .host = "server-2";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 60s;
    .between_bytes_timeout = 30s;
    .probe = {
        .url = "/health/ready";
        .interval = 1s;
        .timeout = 2s;
    }
}

acl purgers {
    "172.30.0.0"/24;
}

sub vcl_init {
    new servers = directors.round_robin();
    servers.add_backend(server_1);
    servers.add_backend(server_2);
}

sub vcl_recv {
    set req.backend_hint = servers.backend();
}

include "./media.vcl";
