// Package credential is the vocabulary of Gatehouse: schemes and the text of
// their secrets, scopes and permissions, principals, decisions and errors.
//
// Everything here is pure. Nothing reads a clock, a database or the network;
// what a function needs is handed to it. Two invariants hold throughout:
//
//   - A [Secret] never prints itself. The only way to its text is
//     [Secret.Reveal], and the only caller that may show it is the one that
//     just created it.
//   - Nothing means "everything" by being absent: an empty list of scopes
//     permits no act at all.
package credential
