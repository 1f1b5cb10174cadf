# The daemon in a container: built in one stage, shipped in another that holds no compiler. Files are kept in the volume /data.
#
#   docker build -t ftpd .            podman build --format docker -t ftpd .      (podman's own format has no health check)
#   docker run --rm -it -v state:/state ftpd user add anna
#   docker run -d --name ftpd -p 7021:7021 -v files:/data -v state:/state -v ./ftpd.conf:/etc/ftpd/ftpd.conf:ro --stop-timeout 75 ftpd
#
# with what anna may do in ftpd.conf ([user anna] allow = /: all). Users and the daemon's own key are kept in the volume /state.
# A container can only be reached from outside when the daemon listens on all of the container's addresses, which it refuses while there are
# no accounts. --insecure-no-auth behind the image's name permits it all the same, without accounts: for a port that is published on
# 127.0.0.1, or where everyone who can reach it may read, write and remove every file.
#
# Settings: options after the image's name, FTPD_<SECTION>__<KEY> in the environment, or a file mounted at /etc/ftpd/ftpd.conf.
# Works with --read-only --cap-drop=all --security-opt=no-new-privileges.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY scripts/deps scripts/deps
RUN scripts/deps build
COPY . .
RUN cmake --preset release && cmake --build --preset release \
 && DESTDIR=/out cmake --install build/release --strip

FROM ${BASE}
COPY scripts/deps /tmp/deps
RUN /tmp/deps runtime && rm -rf /tmp/deps /var/lib/apt/lists/* /var/cache/apt/archives \
 && mkdir -m 0700 /data /state && chown 10001:10001 /data /state
COPY --from=build /out/usr/bin/ /usr/bin/
COPY --from=build /out/etc/ftpd/ /etc/ftpd/
USER 10001:10001
ENV FTPD_CONFIG=/etc/ftpd/ftpd.conf \
    FTPD_SERVER__LISTEN=0.0.0.0:7021 \
    FTPD_SERVER__STATE=/state \
    FTPD_STORAGE__ROOT=/data
VOLUME /data /state
EXPOSE 7021
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["ftpc", "-q", "-s", "127.0.0.1:7021", "ping"]
ENTRYPOINT ["ftpd"]
