#!/bin/sh
# Checks the subjects of commits: at most 72 characters. git log --oneline cuts longer ones on a terminal of 80 columns.
# The rule began after the commit named here; what is older stays as it is.
set -eu

began=ca4313fe9ad7647e6f49a4667a1d7cc7e735c4a9
range=HEAD
if git merge-base --is-ancestor "$began" HEAD 2>/dev/null; then range=$began..HEAD; fi # not in a shallow clone

git log --no-merges --format='%h %s' "$range" | awk '
    { subject = substr($0, index($0, " ") + 1) }
    length(subject) > 72 { print "commit " $1 ": the subject has " length(subject) " characters, 72 are allowed: " subject; bad = 1 }
    END { exit bad }'
