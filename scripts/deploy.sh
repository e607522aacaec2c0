#!/bin/sh
# Checks what is in deploy/ with the tools that read it: promtool, systemd-analyze, and the parsers of Docker, Compose and Kubernetes.
set -eu
cd "$(dirname "$0")/.."

promtool check rules deploy/prometheus/rules.yml
(cd deploy/prometheus && promtool test rules rules_test.yml)

# systemd-analyze wants the program and the manual page to be there.
unit=$(mktemp -d)
trap 'rm -rf "$unit"' EXIT
sed -e 's#^ExecStart=.*#ExecStart=/bin/true#' -e '/^Documentation=/d' deploy/systemd/syncd.service >"$unit/syncd.service"
said=$(systemd-analyze verify "$unit/syncd.service" 2>&1) || { echo "$said"; exit 1; }
if [ -n "$(echo "$said" | grep -F syncd.service || :)" ]; then
    echo "$said"
    exit 1
fi

go test -C tools/deploy ./...
