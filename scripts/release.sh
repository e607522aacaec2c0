#!/bin/sh
# Makes what a release consists of under dist/: archives of the program for Linux and macOS, packages for Debian and Red Hat, a list of
# the modules in it (SBOM, CycloneDX), and checksums. Nothing is uploaded. VERSION is the tag without its v, else a snapshot after
# the last one. The same commit gives the same program, byte for byte.
set -eu
cd "$(dirname "$0")/.."

commit=$(git rev-parse --short HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
tag=$(git describe --tags --abbrev=0 2>/dev/null || echo v0.0.0)
VERSION=${VERSION:-${tag#v}-snapshot.$commit}
DIST=dist
MAINTAINER=${MAINTAINER:-$(git log -1 --format='%an <%ae>')}
export VERSION DIST MAINTAINER

nfpm=.bin/nfpm sbom=.bin/cyclonedx-gomod
[ -x $nfpm ] || go build -modfile=tools/release/go.mod -o $nfpm github.com/goreleaser/nfpm/v2/cmd/nfpm
[ -x $sbom ] || go build -modfile=tools/release/go.mod -o $sbom github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

rm -rf $DIST
mkdir -p $DIST/share
cp deploy/packages/environment $DIST/share/environment
for shell in bash zsh fish; do .bin/syncd completion $shell >$DIST/share/$shell; done
gzip -9nc docs/syncd.1 >$DIST/share/syncd.1.gz
sed 's#^ExecStart=/usr/local/bin/#ExecStart=/usr/bin/#' deploy/systemd/syncd.service >$DIST/share/syncd.service

archive() { # SYSTEM ARCHITECTURE
    dir=$DIST/$1_$2
    CGO_ENABLED=0 GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=true -ldflags '-s -w' -o "$dir/syncd" ./cmd/syncd
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -czf "$DIST/syncd_${VERSION}_$1_$2.tar.gz" \
        -C "$dir" syncd -C ../.. README.md LICENSE CHANGELOG.md
}

for arch in amd64 arm64; do
    archive linux $arch
    archive darwin $arch
    for format in deb rpm; do
        ARCH=$arch $nfpm package --config deploy/packages/nfpm.yaml --packager $format --target $DIST/
    done
done
$sbom bin -json -output "$DIST/syncd_$VERSION.cdx.json" $DIST/linux_amd64/syncd

rm -rf $DIST/share $DIST/linux_* $DIST/darwin_*
(cd $DIST && sha256sum ./* | sed 's#\./##' >checksums.txt)
ls -l $DIST
