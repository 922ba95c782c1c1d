# What Varnish keeps of profilecore: the files of images, and nothing else. For a VCL that names the
# backend, and in the list `purgers` those who may send a PURGE.
sub vcl_recv {
    # What a client says of itself is not to be believed, and goes no further.
    unset req.http.X-Cache;

    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(405, "Not allowed"));
        }
        return (purge);
    }
    if (req.url !~ "^/media/") {
        # The feed goes on for ever, and answers to one person are nobody else's.
        return (pass);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # Each file is kept once, whoever asks and whatever stands behind its path: it is for everybody.
    if (req.url ~ "\?") {
        return (synth(400, "No query is taken here"));
    }
    return (hash);
}

sub vcl_hash {
    # A path holds the hash of its bytes, so that they are the same under every name of this host;
    # and a PURGE comes by a name that nobody else knows.
    if (req.url ~ "^/media/") {
        hash_data(req.url);
        return (lookup);
    }
}

sub vcl_purge {
    return (synth(200, "Purged"));
}

sub vcl_backend_response {
    if (bereq.url !~ "^/media/" || bereq.uncacheable) {
        return (deliver);
    }
    if (beresp.status != 200 || beresp.http.Set-Cookie) {
        # What is not there may be in a moment; an error is over in a moment.
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
        return (deliver);
    }
    # It is that of whoever came first.
    unset beresp.http.X-Request-ID;
}

sub vcl_deliver {
    if (req.url ~ "^/media/") {
        if (obj.hits > 0) {
            set resp.http.X-Cache = "HIT";
        } else {
            set resp.http.X-Cache = "MISS";
        }
    }
    unset resp.http.Via;
    unset resp.http.X-Varnish;
}
