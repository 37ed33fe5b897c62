# The exporter as one static file in an empty image: no shell, no packages, and
# nothing to write to. Run it with a read-only root.

# A tag can move, a digest cannot. To take another base: look up its digest (`docker buildx imagetools inspect
# rust:1.95-bookworm`), change the line or pass --build-arg RUST_IMAGE=…
ARG RUST_IMAGE=rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock build.r[s] ./
COPY src ./src
COPY templates ./templates
ARG D360_REVISION=unknown
# With the target named, the flag that links everything in does not reach the
# build's own tools. glibc resolves names without its plug-ins since 2.34.
RUN set -eu; \
    target="$(rustc -vV | sed -n 's/^host: //p')"; \
    mkdir -p tests/it && touch tests/it/main.rs; \
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$target"; \
    mkdir -p /out/etc/ssl/certs; \
    strip -o /out/d360_exporter "target/$target/release/d360_exporter"; \
    cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/; \
    echo 'nobody:x:65534:65534:nobody:/:/sbin/nologin' > /out/etc/passwd; \
    echo 'nogroup:x:65534:' > /out/etc/group

FROM scratch
LABEL org.opencontainers.image.title="d360_exporter" \
      org.opencontainers.image.description="Prometheus exporter for WhatsApp numbers on 360dialog" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/ /
USER 65534:65534
EXPOSE 10360
# Asks the running exporter; any answer of its web server is a sign of life.
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["/d360_exporter", "check", "--healthy"]
ENTRYPOINT ["/d360_exporter"]
