#!/bin/sh
# Before a removal. dpkg says remove, rpm how many versions stay installed: an upgrade leaves syncd running.
set -e
case "$1" in
remove | 0) [ ! -d /run/systemd/system ] || systemctl disable --now syncd.service ;;
esac
