# Varnish 7 in front of profilecore: it keeps the files of images, and passes everything else on.
#
#   varnishd -f /etc/varnish/default.vcl -a :6081 -s malloc,256m
#
# What it does with images is in media.vcl, which belongs beside this file.
#
# Set the backend, and in the list `purgers` the addresses of those who run tasks. profilecore is
# told where to send its PURGE by CDN_PURGE=http://varnish:6081.
vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 60s;
    .between_bytes_timeout = 30s;
}

acl purgers {
    "127.0.0.1";
    "::1";
}

include "./media.vcl";
