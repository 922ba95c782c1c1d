# The image of nginx in front of profilecore, with the files of the web client.
#
#   nox -s wheelhouse
#   docker build -f deploy/client.Dockerfile -t profile-client .
#
# BASE_IMAGE is any image with nginx 1.22 or later; BUILD_IMAGE, with Python, takes the client's files
# out of the wheel and leaves nothing behind. Files that are not there are asked of the service.
ARG BASE_IMAGE=docker.io/nginxinc/nginx-unprivileged:1.28.3
ARG BUILD_IMAGE=docker.io/library/python:3.11.15-slim-bookworm

# hadolint ignore=DL3006
FROM ${BUILD_IMAGE} AS files
COPY dist/wheelhouse/profilecore-*.whl /wheel/
RUN python3 -m zipfile -e /wheel/profilecore-*.whl /unpacked \
 && mkdir -p /unpacked/profilecore/entrypoints/web/built /client \
 && cp -R /unpacked/profilecore/entrypoints/web/built/. /client/

# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="profilecore-client" \
      org.opencontainers.image.description="nginx in front of profilecore, with its web client" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=files /client /usr/share/profilecore/client
COPY deploy/nginx.conf /etc/nginx/nginx.conf
COPY deploy/upstream.conf /etc/nginx/upstream.conf
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGQUIT
# `nginx -t` needs no shell and no curl: the configuration is good, and its upstreams have names.
HEALTHCHECK --interval=10s --timeout=3s --retries=3 CMD ["nginx", "-t", "-q"]
ENTRYPOINT ["nginx"]
CMD ["-g", "daemon off;"]
