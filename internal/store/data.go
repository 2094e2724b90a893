package store

import "context"

// A deposit is what a call stores that is data of a project and no change of
// the installation: it has no audit event. It may be run more than once, and
// what it did before was undone then.
type deposit func(context.Context, *Tx) error

// Data runs fn in one transaction that writes no audit event, for what programs
// send in thousands of small calls. fn may be run more than once, each time in
// a transaction of its own, with the context that it is given.
//
// On SQLite, where a commit waits for the disk, calls that come while one is
// stored are stored together. PostgreSQL does that itself.
func (s *Store) Data(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if !s.exclusive {
		return s.Quietly(ctx, func(tx *Tx) error { return fn(ctx, tx) })
	}
	return s.deposits.do(ctx, fn, func(ctx context.Context, all []deposit) error {
		return s.Quietly(ctx, func(tx *Tx) error {
			for _, one := range all {
				if err := one(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
