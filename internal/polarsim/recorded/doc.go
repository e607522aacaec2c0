// Package recorded holds answers of the real Polar server, for tests.
//
// They were recorded from the open-source server of 2026-08-22 (polarsource/polar), which ran on one machine over organizations of synthetic data
// made for this purpose. Nothing in here is anybody's: names, addresses, keys, tokens and secrets were generated, and loopback URLs are the server's
// own defaults. Its current version was 2026-04, and it served 2026-10 too. The headers date, server, content-length and transfer-encoding were
// left out.
//
//   - testdata/lists/STREAM.ndjson: items of each list, one a line as the list gave it: as few as cover every path, JSON type, value of an
//     enumeration, sign, null or not, and empty or not that any of its items had.
//   - testdata/states.ndjson: customer states of different shapes.
//   - testdata/exports/NAME.csv: the beginning of each export.
//   - testdata/gets.ndjson: what GET by id, states, payment methods, members, seats, grants and files of a benefit, quantities, metrics, invoices
//     and receipts were answered.
//   - testdata/errors.ndjson: what requests at the edges were answered: wrong and missing tokens, wrong sort keys, pages, limits, ids, versions,
//     methods, slashes and dates. A long body of an answer 200 is kept in part only.
//   - testdata/truth: two organizations of their own, as a whole, and what metrics said about them: see Truth. The services of Polar made their rows and
//     events under a clock that was moved through fourteen months; Stripe and the computation of taxes were played. Here each UUID was replaced by
//     another one, the same everywhere, as random digits would be half of the files.
package recorded
